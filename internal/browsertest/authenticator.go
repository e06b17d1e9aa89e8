package browsertest

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
)

// An Authenticator holds passkeys for the pages of a window, as a phone or a laptop does.
// Chromium emulates it.
type Authenticator struct {
	w  *Window
	id webauthn.AuthenticatorID
}

// Authenticator adds an authenticator to the window. Its user is present and passes
// verification, until Present or Verified say otherwise.
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

// Present sets whether the user is present; while they are not, prompts wait.
func (a *Authenticator) Present(there bool) {
	a.w.t.Helper()
	command(a.w, "change who is there", webauthn.SetAutomaticPresenceSimulation,
		webauthn.SetAutomaticPresenceSimulationParams{AuthenticatorID: a.id, Enabled: there})
}

// Verified sets whether the user passes verification by fingerprint, face or PIN.
func (a *Authenticator) Verified(passes bool) {
	a.w.t.Helper()
	command(a.w, "change who passes", webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: a.id, IsUserVerified: passes})
}

// Passkeys returns the passkeys that the authenticator holds.
func (a *Authenticator) Passkeys() []*webauthn.Credential {
	a.w.t.Helper()
	return command(a.w, "look into the authenticator", webauthn.GetCredentials, webauthn.GetCredentialsParams{AuthenticatorID: a.id}).Credentials
}

// Clone copies passkeys of another authenticator into this one, unchanged.
func (a *Authenticator) Clone(from []*webauthn.Credential) {
	a.w.t.Helper()
	add := cdp.Command[copied, cdp.Empty]{Method: webauthn.CommandAddCredential}
	for _, p := range from {
		command(a.w, "copy a passkey", add, copied{a.id, map[string]any{"credentialId": p.CredentialID, "isResidentCredential": p.IsResidentCredential,
			"rpId": p.RpID, "privateKey": p.PrivateKey, "userHandle": p.UserHandle, "signCount": p.SignCount}})
	}
}

// copied is a passkey to add. The library's own type also sends fields of an extension that
// Chromium rejects with any value.
type copied struct {
	AuthenticatorID webauthn.AuthenticatorID `json:"authenticatorId"`
	Credential      map[string]any           `json:"credential"`
}

// Before runs a script in each page from now on, before the page's own scripts.
func (w *Window) Before(script string) {
	w.t.Helper()
	command(w, "prepare the pages", cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// command sends a command of the DevTools protocol to the window.
func command[P, R any](w *Window, what string, c cdp.Command[P, R], params P) R {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, limit)
	defer cancel()
	result, err := chromedp.Call(ctx, c, params)
	w.check(what, err)
	return result
}
