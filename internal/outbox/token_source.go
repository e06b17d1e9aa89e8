package outbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
	"golang.org/x/sync/singleflight"
)

// A tokenSource gets the OAuth tokens that a mail server accepts instead of a password: by
// client credentials, as Microsoft 365 requires, or by a refresh token, as Google does.
type tokenSource struct {
	credentials clientcredentials.Config
	refresh     string // refresh token; "": by client credentials
	client      *http.Client
	asking      singleflight.Group // concurrent callers share one request, so that an unresponsive service costs its timeout once

	mu    sync.Mutex
	token *oauth2.Token // nil: none yet, or it was rejected
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
	return &tokenSource{
		credentials: clientcredentials.Config{
			ClientID: q.Get("client-id"), ClientSecret: q.Get("client-secret"), TokenURL: u.String(),
			Scopes: strings.Fields(q.Get("scope")), AuthStyle: oauth2.AuthStyleInParams,
		},
		refresh: q.Get("refresh-token"),
		client:  httpClient(),
	}, nil
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

// current returns the token if it is valid for another minute; otherwise "".
func (b *tokenSource) current() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.token != nil && time.Now().Add(time.Minute).Before(b.token.Expiry) {
		return b.token.AccessToken
	}
	return ""
}

// ask requests a new token.
func (b *tokenSource) ask(ctx context.Context) (string, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, b.client)
	source := b.credentials.TokenSource(ctx)
	if b.refresh != "" {
		c := oauth2.Config{ClientID: b.credentials.ClientID, ClientSecret: b.credentials.ClientSecret, Scopes: b.credentials.Scopes,
			Endpoint: oauth2.Endpoint{TokenURL: b.credentials.TokenURL, AuthStyle: b.credentials.AuthStyle}}
		source = c.TokenSource(ctx, &oauth2.Token{RefreshToken: b.refresh})
	}
	token, err := source.Token()
	var refused *oauth2.RetrieveError
	var unreached *url.Error
	switch {
	case errors.As(err, &refused):
		return "", fmt.Errorf("the service that gives out tokens said no: %s", oauthError(refused.Response.StatusCode, refused.ErrorCode))
	case errors.As(err, &unreached):
		return "", errors.New("the service that gives out tokens can't be reached")
	case err != nil: // the library's words may repeat the answer
		return "", errors.New("the service that gives out tokens said no: its answer can't be read")
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = token
	return token.AccessToken, nil
}

// oauthErrors are the errors of RFC 6749 and OpenID Connect. Other texts of the service may
// repeat our secret.
var oauthErrors = []string{"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"invalid_resource", "access_denied", "consent_required", "interaction_required", "login_required", "temporarily_unavailable", "server_error"}

func oauthError(code int, said string) string {
	if slices.Contains(oauthErrors, said) {
		return strings.ReplaceAll(said, "_", " ")
	}
	return cmp.Or(strings.ToLower(http.StatusText(code)), "its answer can't be read")
}

// drop forgets a token that the mail server rejected.
func (b *tokenSource) drop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = nil
}
