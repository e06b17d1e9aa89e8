package edge

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A request whose headers are too large gets a page that says what to do; every other one gets
// its handler's answer.
func TestTooLargeHeadersAreExplained(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{MaxHeaderBytes: 8 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "fine")
	})}
	go func() { _ = server.Serve(Explain(l)) }()
	t.Cleanup(func() { _ = server.Close() })
	for name, tt := range map[string]struct {
		cookie int
		status int
		says   string
	}{
		"small":      {100, 200, "fine"},
		"too large":  {16 << 10, 431, "Delete the cookies of this site"},
		"very large": {900 << 10, 431, "Delete the cookies of this site"},
	} {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: localhost\r\nCookie: x="+strings.Repeat("x", tt.cookie)+"\r\nConnection: close\r\n\r\n")
		}()
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode != tt.status || !strings.Contains(string(body), tt.says) {
			t.Errorf("%s: %d %q %v", name, answer.StatusCode, body, err)
		}
		if tt.status == 431 && (!strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") || answer.Header.Get("Cache-Control") != "no-store") {
			t.Errorf("%s: %v", name, answer.Header)
		}
		_ = c.Close()
	}
}

// A browser may send several cookies of one name; only those in our format count.
func TestCookiesOfOneName(t *testing.T) {
	ours, other := strings.Repeat("a", 43), strings.Repeat("b", 43)
	for name, tt := range map[string]struct {
		header string
		cookie string
		want   []string
	}{
		"one":                     {"session=" + ours, Session, []string{ours}},
		"another program's first": {"session=eyJhbGciOiJIUzI1NiJ9.e30.x; session=" + ours, Session, []string{ours}},
		"two that can be ours":    {"session=" + other + "; session=" + ours, Session, []string{other, ours}},
		"the same twice":          {"session=" + ours + "; session=" + ours, Session, []string{ours}},
		"none of ours":            {"session=12345; session=", Session, nil},
		"a device":                {"device=iPhone; device=abc." + ours, Browser, []string{"abc." + ours}},
		"a device's key alone":    {"device=" + ours, Browser, nil},
		"a flood":                 {"session=" + strings.Join([]string{ours, other, "c" + ours[1:], "d" + ours[1:], "e" + ours[1:]}, "; session="), Session, []string{ours, other, "c" + ours[1:], "d" + ours[1:]}},
	} {
		r := request("192.0.2.1:1")
		r.Header.Set("Cookie", tt.header)
		var got []string
		for _, h := range (Guard{}).Cookies(r, tt.cookie) {
			got = append(got, string(h))
		}
		if strings.Join(got, " ") != strings.Join(tt.want, " ") {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
