package browsertest

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// An Authenticator holds passkeys for the pages of a window, as a telephone or
// a laptop does. Chromium plays it.
type Authenticator struct {
	w  *Window
	id webauthn.AuthenticatorID
}

// Authenticator plugs one into the window. Its user is there and shows finger
// or face whenever he is asked.
func (w *Window) Authenticator() *Authenticator {
	w.t.Helper()
	command(w, "turn passkeys on", webauthn.Enable, webauthn.EnableParams{})
	made := command(w, "plug in an authenticator", webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
		Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
		}})
	return &Authenticator{w, made.AuthenticatorID}
}

// Present says whether its user is there; while he is not, prompts wait.
func (a *Authenticator) Present(there bool) {
	a.w.t.Helper()
	command(a.w, "change who is there", webauthn.SetAutomaticPresenceSimulation,
		webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: there})
}

// Verified says whether its user passes with finger, face or PIN.
func (a *Authenticator) Verified(passes bool) {
	a.w.t.Helper()
	command(a.w, "change who passes", webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: passes})
}

// Passkeys are those that it holds.
func (a *Authenticator) Passkeys() []*webauthn.Credential {
	a.w.t.Helper()
	return command(a.w, "look into the authenticator", webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id}).Credentials
}

// Clone puts passkeys of another authenticator into this one, as they are.
func (a *Authenticator) Clone(from []*webauthn.Credential) {
	a.w.t.Helper()
	add := cdp.Command[copied, cdp.Empty]{Method: webauthn.CommandAddCredential}
	for _, p := range from {
		command(a.w, "copy a passkey", add, copied{a.id, map[string]any{"credentialId": p.CredentialID, "isResidentCredential": p.IsResidentCredential,
			"rpId": p.RpID, "privateKey": p.PrivateKey, "userHandle": p.UserHandle, "signCount": p.SignCount}})
	}
}

// copied is a passkey on its way. The library's own type also names fields of
// an extension, and Chromium refuses them in any value.
type copied struct {
	AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
	Credential      map[string]any           `json:"credential"`
}

// Before runs a script in each page from now on, before the page's own.
func (w *Window) Before(script string) {
	w.t.Helper()
	command(w, "prepare the pages", cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// command sends a command of the protocol to the window.
func command[P, R any](w *Window, what string, c cdp.Command[P, R], params P) R {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	result, err := chromedp.Call(ctx, c, params)
	w.check(what, err)
	return result
}
