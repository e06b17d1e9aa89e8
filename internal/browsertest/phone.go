package browsertest

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// ScanQR reads the QR code on a picture with zbarimg, which shares no code with the product.
// The code must be at least 245 pixels wide.
func ScanQR(t testing.TB, png []byte) string {
	t.Helper()
	scan := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", "PNG:-")
	scan.Stdin = bytes.NewReader(png)
	return ask(t, scan, "zbar-tools")
}

// AppCode returns the six digits that an authenticator app with this base32 secret shows at
// the given time from now, computed with oathtool.
func AppCode(t testing.TB, secret string, after time.Duration) string {
	t.Helper()
	now := fmt.Sprintf("%d seconds", int(after.Seconds()))
	return ask(t, exec.Command("oathtool", "--totp", "--base32", "--now", now, secret), "oathtool")
}

func ask(t testing.TB, c *exec.Cmd, inPackage string) string {
	t.Helper()
	out, err := c.Output()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("%s was not found: the Debian package %s has it, and 'make test' installs it", c.Args[0], inPackage)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%s: %v %s", c.Args[0], err, exit.Stderr)
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
