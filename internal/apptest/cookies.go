package apptest

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// opaque matches what a cookie may contain: handles of 256 bits, and no personal data.
var opaque = regexp.MustCompile(`^([0-9A-Za-z_-]{16,64}\.)?[A-Za-z0-9_-]{43}$`)

// CheckCookie returns an error for what is wrong with a Set-Cookie header (SE-05). secure: the
// public URL is https.
func CheckCookie(line string, secure bool) error {
	c, err := http.ParseSetCookie(line)
	if err != nil {
		return err
	}
	name, prefixed := strings.CutPrefix(c.Name, "__Host-")
	cleared := c.MaxAge < 0 && c.Value == ""
	switch {
	case name != "session" && name != "attempt" && name != "device":
		return fmt.Errorf("a cookie of the name %s", c.Name)
	case prefixed != secure || c.Secure != secure:
		return fmt.Errorf("%s: prefix %v and Secure %v where both should be %v", c.Name, prefixed, c.Secure, secure)
	case !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "":
		return fmt.Errorf("%s: HttpOnly, SameSite=Lax, Path=/ and no Domain are needed: %s", c.Name, line)
	case !cleared && !opaque.MatchString(c.Value):
		return fmt.Errorf("%s holds %q, which is no handle", c.Name, c.Value)
	case name != "device" && c.MaxAge > 0:
		return fmt.Errorf("%s outlives the browser", c.Name)
	default:
		return nil
	}
}
