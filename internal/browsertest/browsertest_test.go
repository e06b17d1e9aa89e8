package browsertest

import (
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"rsc.io/qr"
)

const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

var page = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><title>{{.Title}}</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,"><link rel="stylesheet" href="/style.css">
<main><h1>{{.Title}}</h1>
<form method="post" action="/sign-in">
<label>User ID <input name="user_id" value="{{.User}}"></label>
<label>Password <input type="password" name="password"></label>
<label>Country <select name="country"><option value="US">United States</option><option value="CA">Canada</option></select></label>
<label><input type="radio" name="default" value="email" checked> Email</label>
<label><input type="radio" name="default" value="app"> App</label>
<button><b>Sign</b> In</button> <button name="cancel" value="1">Cancel the sign in</button>
<button disabled>Later</button> <span class="below"><button>Covered</button><i></i></span></form>
<form method="post" action="/sign-in"><input type="hidden" name="user_id" value="by phone"><label>Phone <input name="phone"></label></form>
{{if .Code}}<img src="/qr.png" alt="QR code of the key" width="300" height="300">{{end}}
{{if .Pale}}<p class="pale">Hard to read</p><p class="wide">Wide</p><script>inline()</script>{{end}}
</main><script src="/script.js"></script></html>`))

const style = `body{background:#fff;color:#111} @media(prefers-color-scheme:dark){body{background:#111;color:#eee}}
.pale{color:#ccc;background:#fff} .wide{width:2000px}
.below{position:relative} .below i{position:absolute;inset:0}`

const phoneScript = `const phone = document.querySelector("[name=phone]");
phone.addEventListener("input", () => { if (phone.value.length === 10) phone.form.submit(); });`

type view struct {
	Title, User string
	Code, Pale  bool
}

// site is a small application to test the package with.
func site(t *testing.T) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	show := func(w http.ResponseWriter, status int, v view) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:")
		w.WriteHeader(status)
		page.Execute(w, v)
	}
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "device", Value: "1", Path: "/", HttpOnly: true})
		show(w, 200, view{Title: "Sign in", Code: r.URL.Query().Has("code"), Pale: r.URL.Query().Has("pale")})
	})
	mux.HandleFunc("POST /sign-in", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("user_id") == "" {
			show(w, 422, view{Title: "Error: Sign in"})
			return
		}
		http.Redirect(w, r, "/home?"+r.PostForm.Encode(), http.StatusSeeOther)
	})
	mux.HandleFunc("GET /home", func(w http.ResponseWriter, r *http.Request) {
		from, _, _ := net.SplitHostPort(r.RemoteAddr)
		cookie, _ := r.Cookie("device")
		fmt.Fprintf(w, "<!doctype html><html lang=en><title>Home</title><link rel=icon href='data:,'><p id=from>%s<p id=host>%s<p id=agent>%s<p id=cookie>%v",
			from, template.HTMLEscapeString(r.Host), template.HTMLEscapeString(r.UserAgent()), cookie != nil)
	})
	mux.HandleFunc("GET /qr.png", func(w http.ResponseWriter, r *http.Request) {
		code, err := qr.Encode("otpauth://totp/Demo:BSMITH?secret="+secret+"&issuer=Demo", qr.M)
		if err != nil {
			t.Error(err)
			return
		}
		w.Write(code.PNG())
	})
	for path, text := range map[string][2]string{"/style.css": {"text/css", style}, "/script.js": {"text/javascript", phoneScript}} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", text[0])
			fmt.Fprint(w, text[1])
		})
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func TestAPersonSignsInWithAndWithoutScripts(t *testing.T) {
	s := site(t)
	for _, noScripts := range []bool{false, true} {
		w := Open(t, Options{NoScripts: noScripts})
		if got := w.Go(s.URL); got != 200 {
			t.Errorf("got status %d, want 200", got)
		}
		if got := w.Press("Sign In"); got != 422 {
			t.Errorf("got status %d, want 422", got)
		}
		if got, want := w.Title(), "Error: Sign in"; got != want {
			t.Errorf("got title %q, want %q", got, want)
		}
		w.Type("user_id", "somebody else")
		w.Type("user_id", "BSMITH")
		if got := w.Value("user_id"); got != "BSMITH" {
			t.Errorf("got %q in the field, want what was typed last", got)
		}
		w.Type("password", "correct horse")
		w.Choose("country", "CA")
		w.Choose("default", "app")
		if got := w.Press("Sign In"); got != 200 {
			t.Errorf("got status %d, want 200", got)
		}
		got := w.URL()
		want := url.Values{"user_id": {"BSMITH"}, "password": {"correct horse"}, "country": {"CA"}, "default": {"app"}}
		if got.Path != "/home" || got.RawQuery != want.Encode() {
			t.Errorf("got %s, want /home?%s", got, want.Encode())
		}
		if !w.Has("#host") || w.Has("#nobody") {
			t.Error("Has does not tell what is on the page")
		}
	}
}

func TestAPageThatSendsItselfOnTheTenthDigit(t *testing.T) {
	w := Open(t, Options{})
	w.Go(site(t).URL)
	w.TypeAndArrive("phone", "6145550123")
	if got := w.URL().Query().Get("phone"); got != "6145550123" {
		t.Errorf("got %q, want ten digits", got)
	}
}

func TestEachWindowHasItsOwnCookiesAddressNameAndAgent(t *testing.T) {
	s := site(t)
	hosts := map[string]string{"login.acme.localhost:80": s.Listener.Addr().String()}
	first := Open(t, Options{From: "127.0.0.11", Hosts: hosts})
	second := Open(t, Options{From: "127.0.0.12", Hosts: hosts, Agent: "Mozilla/5.0 (Linux; Android 15)"})
	first.Go("http://login.acme.localhost/")
	first.Go("http://login.acme.localhost/home")
	second.Go("http://login.acme.localhost/home")
	for _, c := range []struct {
		w              *Window
		selector, want string
	}{
		{first, "#from", "127.0.0.11"},
		{second, "#from", "127.0.0.12"},
		{first, "#host", "login.acme.localhost"},
		{first, "#agent", agent},
		{second, "#agent", "Mozilla/5.0 (Linux; Android 15)"},
		{first, "#cookie", "true"},
		{second, "#cookie", "false"},
	} {
		if got := c.w.TextOf(c.selector); got != c.want {
			t.Errorf("%s: got %q, want %q", c.selector, got, c.want)
		}
	}
}

func TestAPhoneScansTheCodeAndShowsTheDigits(t *testing.T) {
	w := Open(t, Options{NoScripts: true, Look: Look{Width: 375, Dark: true}})
	w.Go(site(t).URL + "/?code")
	link, err := url.Parse(ScanQR(t, w.Shot("set-up-app")))
	if err != nil {
		t.Fatal(err)
	}
	if got := link.Query().Get("secret"); got != secret {
		t.Fatalf("got the key %q, want %q", got, secret)
	}
	for _, after := range []time.Duration{0, 90 * time.Second, -90 * time.Second} {
		before := time.Now().Add(after)
		got := AppCode(t, secret, after)
		var want []string // two, in case a step of 30 seconds begins in between
		for _, at := range []time.Time{before, time.Now().Add(after)} {
			code, err := totp.GenerateCode(secret, at)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, code)
		}
		if got != want[0] && got != want[1] {
			t.Errorf("after %v: got %s, want %v", after, got, want)
		}
	}
}

// record replaces the test whose failure is expected.
type record struct {
	testing.TB
	failures []string
}

func (r *record) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func TestAGoodPagePassesAndABadOneIsToldOff(t *testing.T) {
	shots := t.TempDir()
	t.Setenv("COUNTERSIGN_SHOTS", shots)
	s := site(t)
	w := Open(t, Options{})
	w.Go(s.URL)
	w.Examine("sign-in")
	for _, name := range []string{"sign-in-375-dark.png", "sign-in-375-light.png", "sign-in-1280-dark.png", "sign-in-1280-light.png"} {
		if _, err := os.Stat(filepath.Join(shots, name)); err != nil {
			t.Error(err)
		}
	}

	seen := &record{TB: t}
	w.t = seen
	w.Go(s.URL + "/?pale")
	w.Examine("pale")
	w.t = t
	all := strings.Join(seen.failures, "\n")
	for _, want := range []string{"pale-375-light: color-contrast (serious)", "pale-1280-dark: color-contrast", "pale-375-dark: the page is", "scrolls sideways"} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing was said of %q, only:\n%s", want, all)
		}
	}
	var problems []string
	for end := time.Now().Add(limit); len(problems) == 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		problems = w.Problems()
	}
	if len(problems) == 0 || !strings.Contains(strings.Join(problems, "\n"), "Content Security Policy") {
		t.Errorf("got %q, want the inline script that the policy stopped", problems)
	}
}

func TestWhatCanNotBePressedIsExplained(t *testing.T) {
	w := Open(t, Options{})
	w.Go(site(t).URL)
	for words, want := range map[string]string{
		"Email Token": "there is no such button or link, only: Sign In · Cancel the sign in · Later · Covered",
		"Later":       "it can't be pressed now",
		"Covered":     "it is covered by <i",
		"the sign in": "",
	} {
		said := failure(w, func() { w.locate("press", words) })
		if want == "" && said != "" || !strings.Contains(said, want) {
			t.Errorf("press %q: got %q, want %q", words, said, want)
		}
		if want != "" && !strings.Contains(said, "User ID") {
			t.Errorf("press %q: %q does not tell what the page shows", words, said)
		}
	}
}

// failure returns the message with which f fails the test; empty if it does not.
func failure(w *Window, f func()) string {
	t, told := w.t, &fatal{TB: w.t}
	w.t = told
	defer func() { w.t = t }()
	func() {
		defer func() { recover() }()
		f()
	}()
	return told.said
}

// fatal replaces a test that is about to fail.
type fatal struct {
	testing.TB
	said string
}

func (f *fatal) Fatalf(format string, args ...any) {
	f.said = fmt.Sprintf(format, args...)
	panic(f.said)
}
