package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// A tokenSource gets the OAuth tokens that a mail server accepts instead of a password: by
// client credentials, as Microsoft 365 requires, or by a refresh token, as Google does.
type tokenSource struct {
	url    string
	form   url.Values
	client *http.Client
	asking singleflight.Group // concurrent callers share one request, so that an unresponsive service costs its timeout once

	mu      sync.Mutex
	token   string
	expires time.Time
}

func newTokenSource(q url.Values) (*tokenSource, error) {
	u, err := url.Parse(q.Get("token-url"))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("auth=xoauth2 needs token-url, the address that gives out tokens, for example https://login.microsoftonline.com/TENANT/oauth2/v2.0/token")
	}
	if u.Scheme == "http" && !isLocal(u.Hostname()) {
		return nil, errors.New("token-url must begin with https://")
	}
	if q.Get("client-id") == "" || q.Get("client-secret") == "" {
		return nil, errors.New("auth=xoauth2 needs client-id and client-secret")
	}
	form := url.Values{"client_id": {q.Get("client-id")}, "client_secret": {q.Get("client-secret")}, "grant_type": {"client_credentials"}}
	if q.Get("refresh-token") != "" {
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", q.Get("refresh-token"))
	}
	if q.Get("scope") != "" {
		form.Set("scope", q.Get("scope"))
	}
	return &tokenSource{url: u.String(), form: form, client: httpClient()}, nil
}

// httpClient returns a client for a service with a fixed address: it follows no redirects and
// has a timeout.
func httpClient() *http.Client {
	return &http.Client{Timeout: sendTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// get returns a token that is valid for at least another minute.
func (b *tokenSource) get(ctx context.Context) (string, error) {
	if token := b.current(); token != "" {
		return token, nil
	}
	token, err, _ := b.asking.Do("", func() (any, error) {
		if token := b.current(); token != "" { // another caller got it in between
			return token, nil
		}
		return b.ask(context.WithoutCancel(ctx)) // other callers wait for it too
	})
	if err != nil {
		return "", err
	}
	return token.(string), nil
}

// current returns the token if it is still valid; otherwise "".
func (b *tokenSource) current() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if time.Now().Add(time.Minute).Before(b.expires) {
		return b.token
	}
	return ""
}

// ask requests a new token.
func (b *tokenSource) ask(ctx context.Context) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, strings.NewReader(b.form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	answer, err := b.client.Do(r)
	if err != nil {
		return "", errors.New("the service that gives out tokens can't be reached")
	}
	defer func() { _ = answer.Body.Close() }()
	return b.read(answer)
}

// read reads the token from an answer (RFC 6749).
func (b *tokenSource) read(answer *http.Response) (string, error) {
	var said struct {
		Token   string `json:"access_token"`
		Seconds int64  `json:"expires_in"`
		Error   string `json:"error"`
	}
	err := json.NewDecoder(io.LimitReader(answer.Body, 64<<10)).Decode(&said)
	if err != nil || answer.StatusCode != http.StatusOK || said.Token == "" {
		return "", fmt.Errorf("the service that gives out tokens said no: %s", oauthError(answer.StatusCode, said.Error))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token, b.expires = said.Token, time.Now().Add(time.Duration(said.Seconds)*time.Second)
	return b.token, nil
}

// oauthErrors are the errors of RFC 6749 and OpenID Connect. Other texts of the service may
// repeat our secret.
var oauthErrors = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_resource", "access_denied", "consent_required", "interaction_required", "login_required", "temporarily_unavailable", "server_error"}

func oauthError(code int, said string) string {
	if slices.Contains(oauthErrors, said) {
		return strings.ReplaceAll(said, "_", " ")
	}
	return strings.ToLower(http.StatusText(code))
}

// drop forgets a token that the mail server rejected.
func (b *tokenSource) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = ""
}
