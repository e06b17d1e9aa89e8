package e2e

import (
	"net/url"
	"strings"
	"testing"

	"countersign/internal/browsertest"
	"countersign/internal/mtatest"
)

// The TechNote's steps with scripts (M2, M13 to M23): the first administrator turns 2FA On, BSMITH
// sets up all three methods, and two devices are told apart.
func TestWizardWithScripts(t *testing.T) { wizard(t, false) }

// The same steps in a browser without scripts.
func TestWizardWithoutScripts(t *testing.T) { wizard(t, true) }

func wizard(t *testing.T, noScripts bool) {
	mta, gateway := mtatest.Start(t), mtatest.Gateway(t)
	port := freePort(t)
	settings := []string{"--public-url", "http://localhost:" + port, "--listen", "127.0.0.1:" + port, "--ops-listen", "127.0.0.1:" + freePort(t),
		"--data", t.TempDir(), "--smtp-url", mta.URL(), "--mail-from", "Acme Support <support@acme.example>", "--sms-url", gateway.URL(), "--log-level", "error"}
	out := start(t, append([]string{"serve"}, settings...)...)
	var link string
	for link == "" {
		line, err := out.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if after, ok := strings.CutPrefix(line, "First administrator: "); ok {
			link = strings.TrimSpace(after)
		}
	}
	window := func(from string) *browsertest.Window {
		return browsertest.Open(t, browsertest.Options{NoScripts: noScripts, From: from})
	}

	admin := window("127.0.0.9")
	admin.Go(link)
	admin.Type("name", "Ann Admin")
	admin.Type("email", "admin@acme.example")
	admin.Type("new_password", password)
	admin.Press("Make the administrator")
	signIn(admin, "http://localhost:"+port, "ADMIN", password)
	want(t, admin, "You are signed in, Ann")
	run(t, "", append([]string{"message", "test", "--to", "proof@acme.example"}, settings...)...)
	turnOn(t, admin)
	run(t, password+"\n", append([]string{"user", "add", "--id", "BSMITH", "--name", "Bob Smith", "--email", "bsmith@acme.example", "--password-file", "-"}, settings...)...)

	first := window("127.0.0.11")
	signIn(first, "http://localhost:"+port, "bsmith", password)
	want(t, first, "2 Factor Authentication Setup", "Please verify your email address.", "might go to Clutter / Junk Mail")
	if got := first.Value("email"); got != "bsmith@acme.example" {
		t.Errorf("the address is not filled in: %q", got)
	}
	first.Press("Email Token")
	mail := mta.Wait(t, "bsmith@acme.example", 1)[0]
	settled(t, first)
	want(t, first, "A token was sent to bsmith@acme.example.", "Mail comes from support@acme.example")
	first.Type("token", sixDigits.FindStringSubmatch(mail.Text)[1])
	first.Press("Continue")
	want(t, first, "Two Factor Authentication set up is now complete for the Email method.", "add two additional methods")
	app(t, first)
	texts(t, first, gateway, noScripts)
	standard(t, first)
	twoDevices(t, first, window("127.0.0.12"), gateway, "http://localhost:"+port)
}

func signIn(w *browsertest.Window, address, id, password string) {
	w.Go(address + "/sign-in")
	w.Type("user_id", id)
	w.Type("password", password)
	w.Press("Sign in")
}

// turnOn follows the TechNote's path: Administration, System, Preferences.
func turnOn(t *testing.T, w *browsertest.Window) {
	t.Helper()
	w.Press("Administration")
	w.Press("System")
	w.Press("Preferences")
	want(t, w, "System Preferences", "select...", "Turn on two factor authentication")
	w.Press("Change 2FA")
	w.Choose("value", "On")
	w.Press("Show the effect")
	want(t, w, "1 of 1 user will be asked to set up at their next sign-in.")
	w.Press("Turn on")
	want(t, w, "2FA is set to On.")
}

// app scans the QR code with zbarimg and gets the token from oathtool (M17).
func app(t *testing.T, w *browsertest.Window) {
	t.Helper()
	w.Press("Authenticator app")
	uri, err := url.Parse(browsertest.ScanQR(t, w.Shot("qr")))
	if err != nil {
		t.Fatal(err)
	}
	secret := uri.Query().Get("secret")
	if uri.Scheme != "otpauth" || len(secret) != 32 || uri.Query().Get("issuer") != "Main Agency" || uri.Path != "/Main Agency:BSMITH" {
		t.Errorf("the QR code says %s", uri)
	}
	if shown := strings.Join(strings.Fields(w.TextOf(".key")), ""); shown != secret {
		t.Errorf("the key by hand is %q, the QR code's %q", shown, secret)
	}
	w.Type("token", browsertest.AppCode(t, secret, 0))
	w.Press("Continue")
	want(t, w, "Two Factor Authentication set up is now complete for the app method.", "one additional method (SMS)")
}

// texts sets up SMS: the tenth digit sends the form, or the button if scripts are off (M18).
func texts(t *testing.T, w *browsertest.Window, gateway *mtatest.Texter, noScripts bool) {
	t.Helper()
	w.Press("SMS")
	want(t, w, "Enter 10 digits with no formatting", "Standard messaging rates apply")
	if noScripts {
		w.Type("phone", "6145550112")
		w.Press("Send the token")
	} else {
		w.TypeAndArrive("phone", "6145550112")
	}
	text := gateway.Wait(t, "+16145550112", 1)
	settled(t, w)
	want(t, w, "A token was sent by SMS to 614-555-0112.")
	w.Type("token", sixDigits.FindStringSubmatch(text[0].Text)[1])
	w.Press("Continue")
}

// standard chooses SMS: Email is preselected, and the chosen method has the mark and the outline,
// without a script (M20).
func standard(t *testing.T, w *browsertest.Window) {
	t.Helper()
	want(t, w, "Choose your Default", "Email", "Authenticator", "SMS")
	chosen := func() string {
		return browsertest.Eval[string](w, `document.querySelector("input[name=default]:checked").value`)
	}
	marked := func() int {
		return browsertest.Eval[int](w, `[...document.querySelectorAll(".default-mark")].filter(e => getComputedStyle(e).visibility === "visible" && getComputedStyle(e).display !== "none").length`)
	}
	if chosen() != "email" || marked() != 1 {
		t.Errorf("%s is chosen beforehand, %d are marked", chosen(), marked())
	}
	w.Click(`label.method:has(input[value=sms])`)
	if chosen() != "sms" || marked() != 1 {
		t.Errorf("%s is chosen, %d are marked", chosen(), marked())
	}
	w.Press("OK")
	want(t, w, "Two factor authentication set-up is complete.", "You are ready, Bob", "(Default)")
	w.Press("Continue to Main Agency")
	want(t, w, "You are signed in, Bob", "BSMITH")
}

// twoDevices: the first device is remembered, and another address is asked by SMS.
func twoDevices(t *testing.T, first, second *browsertest.Window, gateway *mtatest.Texter, address string) {
	t.Helper()
	first.Press("Sign out")
	want(t, first, "You are signed out")
	signIn(first, address, "BSMITH", password)
	want(t, first, "You are signed in, Bob")
	signIn(second, address, "BSMITH", password)
	want(t, second, "Enter your token")
	texts := gateway.Wait(t, "+16145550112", 2)
	settled(t, second)
	want(t, second, "Enter your token", "the number ending 12", "Why am I asked? This device was not seen before with your user ID.")
	token := sixDigits.FindStringSubmatch(texts[len(texts)-1].Text)[1]
	second.Type("token", wrong(token))
	second.Press("Sign in")
	want(t, second, "That token is not right. You have 2 tries left.")
	second.Type("token", token[:3]+" "+token[3:])
	second.Press("Sign in")
	want(t, second, "You are signed in, Bob")
}
