package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"countersign/internal/browsertest"
)

// enroll sets up BSMITH in a window with email and a passkey, and makes the passkey the Default.
func enroll(t *testing.T, d demo, w *browsertest.Window, look func(name, says string)) {
	t.Helper()
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	w.Press("Email Token")
	settled(t, w)
	w.Type("token", d.token(t, "bsmith@demo.example"))
	w.Press("Continue")
	look("set-up-menu-passkey", "Passkey Recommended")
	w.Press("Passkey")
	look("set-up-passkey", "Set up a passkey")
	if got := w.Value("passkey_name"); got != "Chrome on Linux" {
		t.Errorf("the passkey is called %q", got)
	}
	w.Press("Make the passkey")
	look("set-up-passkey-done", "set up is now complete for the passkey method")
	w.Press("Skip the additional methods")
	w.Click(`label.method:has(input[value=passkey])`)
	look("set-up-default-passkey", "nothing is sent or typed")
	w.Press("OK")
	look("set-up-done-passkey", "Two factor authentication set-up is complete.")
}

// Passkeys in Chromium: set-up, second factor, sign-in with a passkey alone by the button and by
// the browser's autofill, a user who is not verified, a copied passkey, a step-up (PK-01, PK-02).
func TestPasskeysInChromium(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	w := browsertest.Open(t, browsertest.Options{})
	look := func(name, says string) {
		t.Helper()
		want(t, w, says)
		w.Examine(name)
	}
	a := w.Authenticator()
	enroll(t, d, w, look)
	held := a.Passkeys()
	if len(held) != 1 || held[0].RpID != "localhost" || !held[0].IsResidentCredential || held[0].UserName != "BSMITH" {
		t.Fatalf("the authenticator holds %+v", held)
	}
	secondFactor(t, d, w, a, look)
	copied(t, d, w, a, look)
	signInAlone(t, d, w, a, look)
	ownPasskeys(t, d, w, look)
}

// signedOut forgets the device and signs out, so that a second factor is required again.
func signedOut(t *testing.T, d demo, w *browsertest.Window) {
	t.Helper()
	w.Go(d.URL + "/sign-out")
	w.Choose("forget_device", "yes")
	w.Press("Sign out")
}

func secondFactor(t *testing.T, d demo, w *browsertest.Window, a *browsertest.Authenticator, look func(name, says string)) {
	t.Helper()
	signedOut(t, d, w)
	a.Present(false) // the page opens the prompt by itself, once
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	look("token-passkey", "Nothing is sent, and there is nothing to type.")
	w.Go(w.URL().String())
	a.Present(true)
	if strings.Contains(w.Text(), "Passkeys need a script") {
		t.Error("the page says that scripts are off")
	}
	a.Verified(false)
	w.Press("Use my passkey")
	if strings.Contains(w.Text(), "You are signed in") {
		want(t, w, "You are signed in, Bob") // possession is enough beside the password
	} else {
		look("token-passkey-cancelled", "The passkey was not used. This did not count as a try.")
		a.Verified(true)
		w.Press("Use my passkey")
		want(t, w, "You are signed in, Bob")
	}
	a.Verified(true)
	w.Go(d.URL + "/profile")
	look("profile-passkey", "Chrome on Linux")
}

// copied uses a passkey whose counter goes backward: it is refused and reported by mail.
func copied(t *testing.T, d demo, w *browsertest.Window, a *browsertest.Authenticator, look func(name, says string)) {
	t.Helper()
	signedOut(t, d, w)
	old := a.Passkeys()
	old[0].SignCount = 0
	thief := browsertest.Open(t, browsertest.Options{From: "127.0.0.66"})
	thief.Authenticator().Clone(old)
	signIn(thief, d.URL, "BSMITH", d.password("BSMITH"))
	thief.Wait("That passkey may have been copied, so it was refused")
	want(t, thief, "2 tries left")
	thief.Examine("token-passkey-copied")
	d.mailed(t, "bsmith@demo.example", regexp.MustCompile("One of your passkeys may have been copied"))
}

func signInAlone(t *testing.T, d demo, w *browsertest.Window, a *browsertest.Authenticator, look func(name, says string)) {
	t.Helper()
	run(t, "", "preference", "set", "PASSKEYSIGNIN", "On", "--data", d.Data, "--public-url", d.URL)
	a.Present(false)
	w.Go(d.URL + "/sign-in")
	look("sign-in-passkey", "Sign in with a passkey")
	a.Verified(false)
	a.Present(true)
	w.Go(d.URL + "/sign-in")
	w.Click("[data-passkey-start]")
	until(w, "The passkey was not used.")
	look("sign-in-passkey-not-used", "The passkey was not used. Try again, or sign in with your password.")
	a.Verified(true)
	w.Press("Sign in with a passkey")
	want(t, w, "You are signed in, Bob", "BSMITH")
	w.Press("Sign out")
	fromTheList(t, d, w)
}

// fromTheList signs in with the browser's autofill of user IDs. Headless Chromium draws no list, so
// a script in the browser takes the user's place and picks from it.
func fromTheList(t *testing.T, d demo, w *browsertest.Window) {
	t.Helper()
	w.Before(`const get = navigator.credentials.get.bind(navigator.credentials);
		navigator.credentials.get = (o) => o.mediation === "conditional" ? get({...o, mediation: "optional"}) : get(o);`)
	w.Go(d.URL + "/sign-in")
	until(w, "You are signed in, Bob")
	want(t, w, "You are signed in, Bob", "BSMITH")
}

// until waits until the page says something by itself.
func until(w *browsertest.Window, says string) {
	for range 2400 {
		if strings.Contains(w.Text(), says) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func ownPasskeys(t *testing.T, d demo, w *browsertest.Window, look func(name, says string)) {
	t.Helper()
	w.Go(d.URL + "/profile")
	w.Press("Add a passkey")
	w.Click("[data-passkey-start]")
	until(w, "holds a passkey of yours already")
	look("set-up-passkey-known", "This device holds a passkey of yours already, so no other was made.")
	w.Press("Skip the passkey")
	w.Go(d.URL + "/profile")
	w.Press("Rename the passkey Chrome on Linux")
	look("passkey-rename", "Rename a passkey")
	w.Type("passkey_name", "My laptop")
	w.Press("Save")
	look("profile-passkey-renamed", "The passkey was renamed.")
	w.Press("Remove the passkey My laptop")
	look("passkey-remove", "Remove the passkey My laptop?")
	w.Press("Remove the passkey")
	look("profile-passkey-removed", "The passkey was removed.")
}

// Without scripts the pages say so and show the other methods. Nothing else is missing (WB-08).
func TestPasskeyPagesWithoutScripts(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	first := browsertest.Open(t, browsertest.Options{})
	first.Authenticator()
	enroll(t, d, first, func(_, says string) { want(t, first, says) })
	run(t, "", "preference", "set", "PASSKEYSIGNIN", "On", "--data", d.Data, "--public-url", d.URL)
	w := browsertest.Open(t, browsertest.Options{NoScripts: true, From: "127.0.0.14"})
	w.Go(d.URL + "/sign-in")
	if strings.Contains(w.Text(), "passkey") {
		t.Errorf("the sign-in page offers what cannot work: %s", w.Text())
	}
	signIn(w, d.URL, "BSMITH", d.password("BSMITH"))
	want(t, w, "Passkeys need a script", "Send a token to b•••@demo.example")
	w.Examine("token-passkey-no-script")
	if strings.Contains(w.Text(), "Use my passkey") {
		t.Errorf("a button that does nothing: %s", w.Text())
	}
	w.Press("Send a token to b•••@demo.example")
	settled(t, w)
	w.Type("token", d.token(t, "bsmith@demo.example"))
	w.Press("Sign in")
	want(t, w, "You are signed in, Bob")
	w.Go(d.URL + "/profile")
	w.Press("Add a passkey")
	want(t, w, "Passkeys need a script", "Skip this step.")
	w.Examine("set-up-passkey-no-script")
}
