package e2e

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"countersign/internal/browsertest"
)

// A browser whose gateway removes Sec-Fetch headers can sign in, and its forms of secret links are
// accepted, though Chromium sends Origin null from those, as older browsers do from all.
func TestBehindAGatewayThatTakesHeadersAway(t *testing.T) {
	port := freePort(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	origins := make(chan string, 100)
	gateway := &http.Server{ReadHeaderTimeout: time.Minute, Handler: &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port})
		r.Out.Host = r.In.Host
		for name := range r.Out.Header {
			if strings.HasPrefix(name, "Sec-") {
				r.Out.Header.Del(name)
			}
		}
		if r.In.Method == http.MethodPost {
			origins <- r.In.Header.Get("Origin")
		}
	}}}
	go func() { _ = gateway.Serve(l) }()
	t.Cleanup(func() { _ = gateway.Close() })

	address := "http://localhost:" + freePort(t) // the address in the browser
	out := start(t, "serve", "--public-url", address, "--listen", "127.0.0.1:"+port, "--ops-listen", "127.0.0.1:"+freePort(t), "--data", t.TempDir(), "--log-level", "error")
	w := browsertest.Open(t, browsertest.Options{Hosts: map[string]string{strings.TrimPrefix(address, "http://"): l.Addr().String()}})
	w.Go(firstLink(t, out))
	w.Type("name", "Ann Admin")
	w.Type("email", "admin@acme.example")
	w.Type("new_password", password)
	w.Press("Make the administrator")
	if got := <-origins; got != "null" {
		t.Errorf("the page of a secret link sends Origin %q", got)
	}
	signIn(w, address, "ADMIN", password)
	want(t, w, "You are signed in, Ann")
	if got := <-origins; got != address {
		t.Errorf("the sign-in page sends Origin %q", got)
	}
}

// firstLink returns the link of the first administrator.
func firstLink(t *testing.T, out *bufio.Reader) string {
	t.Helper()
	for {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if after, ok := strings.CutPrefix(line, "First administrator: "); ok {
			return strings.TrimSpace(after)
		}
	}
}

// older removes what older browsers lack: Safari before 16 and 18.4, Chrome before 129. Credentials
// have no toJSON, as with some password managers.
const older = `
	delete PublicKeyCredential.parseCreationOptionsFromJSON;
	delete PublicKeyCredential.parseRequestOptionsFromJSON;
	delete PublicKeyCredential.prototype.toJSON;
	delete PublicKeyCredential.isConditionalMediationAvailable;
	delete HTMLFormElement.prototype.requestSubmit;
	delete AuthenticatorAttestationResponse.prototype.getTransports;
	delete window.DOMParser;
	delete Navigator.prototype.clipboard;`

// Passkeys can be created and used in older browsers, and with password managers whose credentials
// lack toJSON. The prompt opens by itself, once.
func TestPasskeysInOlderBrowsers(t *testing.T) {
	d := startDemo(t)
	w := browsertest.Open(t, browsertest.Options{})
	w.Before(older)
	w.Authenticator()
	enroll(t, d, w, func(_, says string) { t.Helper(); want(t, w, says) })
	signedOut(t, d, w)
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	w.Wait("You are signed in, Bob") // without pressing the button
}

// A password manager's credential may be a plain object: no class, no toJSON, and views of bytes
// instead of buffers.
func TestPasskeyOfAPlainObject(t *testing.T) {
	d := startDemo(t)
	w := browsertest.Open(t, browsertest.Options{})
	w.Before(older + `
	const views = r => { const o = {}; for (const k of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) if (r[k]) o[k] = new Uint8Array(r[k]); return o };
	for (const how of ["create", "get"]) {
		const real = navigator.credentials[how].bind(navigator.credentials);
		navigator.credentials[how] = async o => { const c = await real(o); return {id: c.id, rawId: new Uint8Array(c.rawId), type: c.type, response: views(c.response)} };
	}`)
	w.Authenticator()
	enroll(t, d, w, func(_, says string) { t.Helper(); want(t, w, says) })
	signedOut(t, d, w)
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	w.Wait("You are signed in, Bob")
}
