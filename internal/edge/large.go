package edge

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net"
	"strconv"
	"time"
)

// largeRaw is what net/http itself answers, without calling a handler, to a request whose
// headers are too large.
const largeRaw = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"431 Request Header Fields Too Large"

// largePage replaces it. It loads nothing: the browser would send the same headers again.
const (
	largeStyle = "body{font:1.125rem/1.5 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}"
	largePage  = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Your browser sent too much</title>
<style>` + largeStyle + `</style>
<main>
<h1>Your browser sent too much</h1>
<p>It sends more cookies to this site than we can read, so we can't show the page. Nothing was changed.</p>
<p><strong>Delete the cookies of this site</strong> in your browser's settings, then open the page again. You will need a token at your next sign-in.</p>
</main>
</html>
`
)

var largeAnswer = func() []byte {
	style := sha256.Sum256([]byte(largeStyle))
	return []byte("HTTP/1.1 431 Request Header Fields Too Large\r\n" +
		"Content-Type: text/html; charset=utf-8\r\n" +
		"Content-Length: " + strconv.Itoa(len(largePage)) + "\r\n" +
		"Content-Security-Policy: default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(style[:]) + "'; frame-ancestors 'none'\r\n" +
		"X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n" + largePage)
}()

// Explain wraps the listener of a server, so that a request whose headers are too large is
// answered with a page that says what to do.
func Explain(l net.Listener) net.Listener { return explaining{l} }

type explaining struct{ net.Listener }

func (l explaining) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &largeConn{tcp}, err
	}
	return c, err
}

// A largeConn replaces the answer of net/http by the page.
type largeConn struct{ *net.TCPConn }

// drainTime is how long the rest of a large request is read. Otherwise closing the connection
// could discard the answer before the browser reads it.
const drainTime = 500 * time.Millisecond

func (c *largeConn) Write(b []byte) (int, error) {
	if !bytes.Equal(b, []byte(largeRaw)) {
		return c.TCPConn.Write(b)
	}
	if _, err := c.TCPConn.Write(largeAnswer); err != nil {
		return 0, err
	}
	if err := c.SetReadDeadline(time.Now().Add(drainTime)); err == nil {
		_, _ = io.CopyN(io.Discard, c.TCPConn, 1<<20) // the rest of the request does not matter
	}
	return len(b), nil
}
