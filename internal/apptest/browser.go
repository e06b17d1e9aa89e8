package apptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"

	"countersign/internal/factor"
)

// User agents of the TechNote's users.
const (
	Explorer      = "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko"
	Chrome        = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	ChromeNewer   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	ChromeAndroid = "Mozilla/5.0 (Linux; Android 15; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
	Edge          = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"
	SafariMac     = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15"
)

var sixDigits = regexp.MustCompile(`\b([0-9]{6})\b`)

// A Browser is one browser on one device. It keeps cookies.
type Browser struct {
	House *App
	IP    string // may change: the same laptop on another network
	Agent string // may change: another version of the same browser
	Host  string // Host header; empty: the public URL's

	// Context ends when the browser disconnects; nil: it waits for every answer.
	Context context.Context
	jar     http.CookieJar
	page    *Page // the last page that was shown
}

// A Page is an answer of the application.
type Page struct {
	Browser  *Browser
	Path     string
	Status   int
	Location string
	Header   http.Header
	Body     string
}

// Browser returns a new browser without cookies.
func (h *App) Browser(ip, agent string) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.T.Fatal(err)
	}
	return &Browser{House: h, IP: ip, Agent: agent, jar: jar}
}

// Do sends one request as given and follows no redirect.
func (b *Browser) Do(method, path string, form url.Values, header ...string) *Page {
	b.House.T.Helper()
	target, err := url.Parse(publicURL + path)
	if err != nil {
		b.House.T.Fatalf("path %q: %v", path, err)
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	ctx := b.Context
	if ctx == nil {
		ctx = context.Background()
	}
	r := httptest.NewRequestWithContext(ctx, method, target.String(), body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("User-Agent", b.Agent)
	if b.Host != "" {
		r.Host = b.Host
	}
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(b.IP), 40000).String()
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for _, c := range b.jar.Cookies(target) {
		r.AddCookie(c)
	}
	watch := b.House.watch.Load()
	if watch != nil {
		watch.sent(form)
	}
	w := httptest.NewRecorder()
	b.House.Door.ServeHTTP(w, r)
	answer := w.Result()
	for _, line := range answer.Header.Values("Set-Cookie") {
		if err := CheckCookie(line, false); err != nil { // SE-05, checked for every answer
			b.House.T.Errorf("%s %s: %v", method, path, err)
		}
	}
	b.jar.SetCookies(target, answer.Cookies())
	if err := checkTokenPage(answer.Header, w.Body.String()); err != nil { // checked for every answer
		b.House.T.Errorf("%s %s: %v", method, path, err)
	}
	p := &Page{Browser: b, Path: target.Path, Status: answer.StatusCode, Location: answer.Header.Get("Location"), Header: answer.Header, Body: w.Body.String()}
	if watch != nil {
		watch.answered(p)
	}
	return p
}

// Get opens a page and follows redirects, as a browser does.
func (b *Browser) Get(path string) *Page {
	b.House.T.Helper()
	return b.follow(b.Do("GET", path, nil))
}

// Post sends the form of the current page to path with the page's form token and the token of a
// step-up's request, and follows redirects. fields are names and values.
func (b *Browser) Post(path string, fields ...string) *Page {
	b.House.T.Helper()
	return b.follow(b.Send(path, fields...))
}

// Send is Post without following redirects.
func (b *Browser) Send(path string, fields ...string) *Page {
	b.House.T.Helper()
	form := url.Values{}
	if b.page != nil {
		form.Set("form_token", b.page.FormToken())
		if act := b.page.Value("act"); act != "" && strings.HasPrefix(path, "/step-up") {
			form.Set("act", act)
		}
	}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.Do("POST", path, form)
}

func (b *Browser) follow(p *Page) *Page {
	b.House.T.Helper()
	for range 10 {
		if p.Status != http.StatusSeeOther {
			b.page = p
			return p
		}
		next, err := url.Parse(p.Location)
		if err != nil {
			b.House.T.Fatalf("redirect to %q: %v", p.Location, err)
		}
		p = b.Do("GET", next.RequestURI(), nil)
	}
	b.House.T.Fatalf("redirected in a circle at %s", p.Path)
	return p
}

// Cookie returns the value of a cookie.
func (b *Browser) Cookie(name string) string {
	target, _ := url.Parse(publicURL)
	for _, c := range b.jar.Cookies(target) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// Forget drops all cookies, as a private window does.
func (b *Browser) Forget() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.House.T.Fatal(err)
	}
	b.jar = jar
}

// Drop drops one cookie.
func (b *Browser) Drop(name string) {
	target, _ := url.Parse(publicURL)
	b.jar.SetCookies(target, []*http.Cookie{{Name: name, Path: "/", MaxAge: -1}})
}

// Give sets a cookie, as another program on the same host may.
func (b *Browser) Give(name, value string) {
	target, _ := url.Parse(publicURL)
	b.jar.SetCookies(target, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// Copy returns another browser with the same cookies.
func (b *Browser) Copy(ip, agent string) *Browser {
	target, _ := url.Parse(publicURL)
	c := b.House.Browser(ip, agent)
	c.jar.SetCookies(target, b.jar.Cookies(target))
	return c
}

// SignIn opens the sign-in page and sends the user ID and Password.
func (b *Browser) SignIn(login string) *Page { return b.SignInWith(login, Password) }

// SignInWith is SignIn with another password.
func (b *Browser) SignInWith(login, password string) *Page {
	b.House.T.Helper()
	b.Get("/sign-in")
	return b.Post("/sign-in", "user_id", login, "password", password)
}

// SignOut ends the session.
func (b *Browser) SignOut() *Page {
	b.House.T.Helper()
	b.Get("/")
	return b.Post("/sign-out")
}

// Enroll signs in for the first time and sets up email only.
func (b *Browser) Enroll(login string) *Page {
	b.House.T.Helper()
	to := strings.ToLower(login) + "@demo.example"
	b.SignIn(login)
	b.Post("/set-up/email", "email", to)
	b.Post("/set-up/email/token", "token", b.House.Token(to))
	return b.Post("/set-up/skip")
}

// EnrollApp is Enroll with the app in addition, and the given Default. It returns the app's key as
// the page shows it.
func (b *Browser) EnrollApp(login, standard string) (key string) {
	b.House.T.Helper()
	to := strings.ToLower(login) + "@demo.example"
	b.SignIn(login)
	b.Post("/set-up/email", "email", to)
	b.Post("/set-up/email/token", "token", b.House.Token(to))
	page := b.Get("/set-up/app")
	key = page.Key()
	b.Post("/set-up/app", "token", b.House.AppToken(key))
	b.Get("/set-up")
	b.Post("/set-up/skip")
	b.Post("/set-up/default", "default", standard)
	return key
}

// Confirm answers the current step-up page with the token that went to an address or number. It
// returns the page that the pending request leads to.
func (b *Browser) Confirm(to string) *Page {
	b.House.T.Helper()
	if b.page == nil || b.page.Path != "/step-up" {
		b.House.T.Fatalf("no step-up is shown, but %s", b.page.Path)
	}
	return b.Post("/step-up", "token", b.House.Token(to))
}

// AppToken returns the token that an authenticator app with this key shows now.
func (h *App) AppToken(key string) string {
	h.T.Helper()
	raw, err := factor.ParseAppKey(key)
	if err != nil {
		h.T.Fatalf("key %q: %v", key, err)
	}
	return factor.AppToken(raw, h.Now().Unix()/30)
}

// FormToken returns the form token of the page's first form.
func (p *Page) FormToken() string {
	return p.Value("form_token")
}

// Value returns the value of the page's first input of this name.
func (p *Page) Value(name string) string {
	for _, n := range p.nodes("input") {
		if attribute(n, "name") == name {
			return attribute(n, "value")
		}
	}
	return ""
}

// Key returns the app's key that the page shows, without spaces.
func (p *Page) Key() string {
	for _, n := range p.nodes("div") {
		if attribute(n, "class") == "key" {
			return strings.Join(strings.Fields(text(n)), "")
		}
	}
	return ""
}

// Title returns the page's title.
func (p *Page) Title() string {
	for _, n := range p.nodes("title") {
		return strings.TrimSpace(text(n))
	}
	return ""
}

// Text returns the text of the page, with single spaces.
func (p *Page) Text() string {
	for _, n := range p.nodes("body") {
		return strings.Join(strings.Fields(text(n)), " ")
	}
	return strings.Join(strings.Fields(p.Body), " ")
}

// Says reports whether the page contains all sentences.
func (p *Page) Says(sentences ...string) bool {
	for _, s := range sentences {
		if !strings.Contains(p.Text(), s) {
			return false
		}
	}
	return true
}

// Links returns the addresses of the page's links and forms.
func (p *Page) Links() []string {
	var all []string
	for _, n := range p.nodes("a") {
		all = append(all, attribute(n, "href"))
	}
	for _, n := range p.nodes("form") {
		all = append(all, attribute(n, "action"))
	}
	return all
}

// Has reports whether the page has an element of this kind with an attribute of this value.
func (p *Page) Has(element, name, value string) bool {
	for _, n := range p.nodes(element) {
		if attribute(n, name) == value {
			return true
		}
	}
	return false
}

func (p *Page) nodes(element string) []*html.Node {
	root, err := html.Parse(strings.NewReader(p.Body))
	if err != nil {
		p.Browser.House.T.Fatalf("page %s: %v", p.Path, err)
	}
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == element {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	whole := false // the text before is an unbroken span in the middle of a sentence
	for d := range n.Descendants() {
		if d.Type == html.TextNode && (d.Parent == nil || d.Parent.Data != "style" && d.Parent.Data != "script") {
			was := whole
			whole = d.Parent != nil && d.Parent.Data == "span" && attribute(d.Parent, "class") == "nowrap"
			if !was && !whole {
				b.WriteString(" ")
			}
			b.WriteString(d.Data)
		}
	}
	return b.String()
}

// checkTokenPage returns an error for what would disturb a user who types a token: a page that
// reloads by itself, or one whose token field does not have the focus.
func checkTokenPage(h http.Header, body string) error {
	field := tokenField.FindString(body)
	switch {
	case field == "":
		return nil
	case h.Get("Refresh") != "" || strings.Contains(body, `http-equiv="refresh"`):
		return errors.New("the page has a token field, and loads itself again")
	case !strings.Contains(field, " autofocus") || strings.Count(body, " autofocus") != 1:
		return errors.New("the page has a token field, and the focus is elsewhere")
	case linksBelow(body) > 2:
		return fmt.Errorf("the page has a token field, and %d links below it: one and \"More options\" are enough", linksBelow(body))
	default:
		return nil
	}
}

// linksBelow counts the links below the token that are visible at once.
func linksBelow(body string) (n int) {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return 0
	}
	for list := range root.Descendants() {
		if list.Data != "div" || attribute(list, "class") != "links" || list.Parent.Data == "details" {
			continue
		}
		for e := range list.ChildNodes() {
			if e.Type == html.ElementNode {
				n++
			}
		}
	}
	return n
}

var tokenField = regexp.MustCompile(`<input [^>]*name="token"[^>]*>`)
