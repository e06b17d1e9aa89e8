package e2e

import (
	"context"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"countersign"
	"countersign/internal/admin"
	"countersign/internal/apptest"
	"countersign/internal/browsertest"
	"countersign/internal/outbox"
)

// A stage is an application with its own clock and a browser, so that states that need hours are
// reached at once.
type stage struct {
	*apptest.App
	t  *testing.T
	w  *browsertest.Window
	to map[string]string // how the browser reaches the application
}

const home = "http://localhost"

func setStage(t *testing.T) *stage {
	h := apptest.Open(t, "sqlite:"+filepath.Join(t.TempDir(), "house.db"))
	server := httptest.NewServer(h.Door)
	t.Cleanup(server.Close)
	s := &stage{App: h, t: t, to: map[string]string{"localhost:80": server.Listener.Addr().String()}}
	s.another("127.0.0.31")
	return s
}

// another continues in a window without cookies, from another address.
func (s *stage) another(from string) {
	s.w = browsertest.Open(s.t, browsertest.Options{From: from, Hosts: s.to})
}

func (s *stage) look(name, says string) {
	s.t.Helper()
	want(s.t, s.w, says)
	s.w.Examine(name)
}

func (s *stage) signIn(login string) { signIn(s.w, home, login, apptest.Password) }

// token types the newest token that went to an address.
func (s *stage) token(to, button string) {
	s.t.Helper()
	s.w.Type("token", s.Token(to))
	s.w.Press(button)
}

// leave completes the email step of set-up and stops there.
func (s *stage) leave(login, to string) {
	s.t.Helper()
	s.signIn(login)
	s.w.Press("Email Token")
	s.Mail("")
	s.token(to, "Continue")
}

// enroll sets up email only.
func (s *stage) enroll(login, to string) {
	s.t.Helper()
	s.leave(login, to)
	s.w.Press("Skip the additional methods")
	want(s.t, s.w, "set-up is complete")
}

// The states that come with time, with failures or with two users at once, checked as in
// TestEveryPage.
func TestEveryState(t *testing.T) {
	t.Parallel()
	s := setStage(t)
	newUsers(s)
	tokenStates(s)
	resets(s)
	stepUps(s)
	conflicts(s)
	resumed(s)
	turnedOff(s)
}

// newUsers checks the links for new users, and a profile from which set-up can't start.
func newUsers(s *stage) {
	s.t.Helper()
	handle, err := s.Admin.FirstAdministrator(context.Background(), s.Visit())
	if err != nil {
		s.t.Fatal(err)
	}
	s.w.Go(home + "/welcome?link=" + string(handle))
	s.look("first-administrator", "Make the first administrator")
	s.w.Type("name", "Ann Admin")
	s.w.Press("Make the administrator")
	s.look("first-administrator-error", "Enter your email address")
	s.Administrator()
	_, err = s.Admin.AddUser(context.Background(), s.Visit(), apptest.Operator, admin.NewUser{Login: "JJONES", Name: "Jim Jones", Email: "jjones@demo.example"})
	if err != nil {
		s.t.Fatal(err)
	}
	_, link, _ := strings.Cut(s.Mail("jjones@demo.example")[0].Text, home)
	s.w.Go(home + strings.Fields(link)[0])
	s.look("welcome", "Welcome, Jim Jones")
	s.w.Type("new_password", "short")
	s.w.Press("Save and continue")
	s.look("welcome-error", "This password has 5 characters.")
	s.w.Type("new_password", apptest.Password)
	s.w.Press("Save and continue")
	s.AddUser(admin.NewUser{Login: "CBILLS", Name: "Carol Bills"})
	s.signIn("CBILLS")
	s.look("no-email", "Your profile has no email address")
}

// tokenStates checks tokens that are not typed or do not arrive.
func tokenStates(s *stage) {
	s.t.Helper()
	s.User("BSMITH")
	s.enroll("BSMITH", "bsmith@demo.example")
	s.another("127.0.0.32")
	s.signIn("BSMITH")
	s.Pass(25 * time.Second)
	s.w.Go(home + "/sign-in/token")
	s.look("token-delayed", "Mail is delayed")
	s.Pass(2 * time.Minute)
	s.w.Go(home + "/sign-in/token")
	s.look("token-expired", "Your token has expired")
	inbox := s.Outbox.Mail
	s.Outbox.Mail = refusing{}
	s.w.Press("Send a new token")
	s.Mail("")
	s.w.Go(home + "/sign-in/token")
	s.look("token-undelivered", "The token could not be delivered")
	s.Outbox.Mail = inbox
	s.Pass(time.Minute)
	s.w.Press("Send the mail again")
	s.Mail("")
	s.w.Go(home + "/sign-in/token")
	for range 2 {
		s.Pass(time.Second)
		s.w.Go(home + "/sign-in")
		s.signIn("BSMITH")
		for range 4 {
			s.Pass(time.Minute)
			s.w.Press("Send a new token")
		}
	}
	s.w.Press("Send a new token")
	s.look("token-limit-hour", "were sent")
	s.Pass(2 * time.Hour)
}

// refusing is a mail server that rejects everything.
type refusing struct{}

func (refusing) Send(context.Context, outbox.Outgoing) (outbox.Receipt, error) {
	return outbox.Receipt{}, &outbox.Refusal{Server: "mail.demo.example", Answer: "550 mailbox full", Permanent: true}
}

// resets checks a sign-in that leads to set-up only, and one that comes too late.
func resets(s *stage) {
	s.t.Helper()
	if _, err := s.Admin.ResetTwoFactor(context.Background(), s.Visit(), apptest.Operator, "BSMITH", "phone lost"); err != nil {
		s.t.Fatal(err)
	}
	s.signIn("BSMITH")
	s.look("reset-pending", "Your two factor authentication was reset")
	s.Pass(25 * time.Hour)
	s.signIn("BSMITH")
	s.look("reset-lapsed", "Set-up is closed")
}

// stepUps checks a change in a session whose last proof is old, by a token, and the pending change
// in the profile and in the user's own set-up.
func stepUps(s *stage) {
	s.t.Helper()
	s.leave("ADMIN", "admin@demo.example")
	s.another("127.0.0.33")
	s.signIn("ADMIN")
	s.Mail("")
	s.w.Go(home + "/sign-in/token")
	s.token("admin@demo.example", "Sign in")
	s.look("set-up-more", "Finish your set-up?")
	s.w.Press("Not now")
	s.Pass(6 * time.Minute)
	s.w.Go(home + "/profile")
	s.w.Press("Setup 2 Factor Authentication")
	s.Mail("")
	s.w.Go(home + "/step-up")
	s.look("step-up", "Confirm it is you")
	s.w.Type("token", wrong(s.Token("admin@demo.example")))
	s.w.Press("Confirm")
	s.look("step-up-wrong", "That token is not right.")
	s.token("admin@demo.example", "Confirm")
	s.look("own-menu", "Change the email address for two factor authentication.")
	s.w.Press("Email")
	s.look("own-email", "Back to the other methods")
	s.w.Type("email", "ann@mail.example")
	s.w.Press("Email Token")
	s.Mail("")
	s.w.Go(home + "/set-up/email")
	s.look("own-email-token", "A token was sent to ann@mail.example.")
	s.w.Press("Change the address")
	s.w.Type("email", "ann@other.example")
	s.w.Press("Email Token")
	s.look("own-email-wait", "Enter the token that went to ann@mail.example")
	s.w.Press("Back to the other methods")
	s.w.Go(home + "/profile")
	s.w.Press("Forget Chrome on Linux")
	s.look("profile-forget", "Forget this device")
	s.Pass(2 * time.Hour)
	s.w.Go(home + "/profile")
	s.look("session-idle", "you return to the page you were on: User Profile.")
}

// conflicts checks two users who save the same thing.
func conflicts(s *stage) {
	s.t.Helper()
	s.signIn("ADMIN")
	s.w.Go(home + "/admin/users/BSMITH/edit")
	s.w.Type("name", "Robert Smith")
	name := "Bob B. Smith"
	if _, err := s.Admin.EditUser(context.Background(), s.Visit(), apptest.Operator, "BSMITH", admin.Change{Name: &name, Version: admin.AnyVersion}); err != nil {
		s.t.Fatal(err)
	}
	s.w.Press("Save")
	s.look("user-conflict", "Changed by somebody else in the meantime")
	s.w.Go(home + "/admin/system/preferences?edit=2FAFREQUENCY")
	s.w.Type("value", "14")
	s.Set("2FAFREQUENCY", "3")
	s.w.Press("Save")
	s.look("preference-conflict", "Changed by somebody else in the meantime")
	s.Set("2FAFREQUENCY", "7")
	s.Pass(time.Second)
}

// resumed checks that a form posted after its session had ended is shown before it takes effect.
func resumed(s *stage) {
	s.t.Helper()
	s.w.Go(home + "/admin/system/preferences?edit=SESSIONIDLE")
	s.w.Type("value", "45")
	s.Pass(8 * 24 * time.Hour)
	s.w.Press("Save")
	s.look("session-over-kept", "What you had typed is kept.")
	s.signIn("ADMIN")
	s.Mail("")
	s.w.Go(home + "/sign-in/token")
	s.token("admin@demo.example", "Sign in")
	s.look("go-on", "Go on with what you sent?")
	s.w.Press("Go on")
	want(s.t, s.w, "45")
}

// turnedOff checks the pages while two-factor authentication is Off, and the effect of turning it
// On. A user without a method steps up with the password.
func turnedOff(s *stage) {
	s.t.Helper()
	s.Set("2FA", "Off")
	s.w.Go(home + "/admin/users")
	s.look("banner-off", "Two factor authentication is Off")
	s.w.Go(home + "/admin/system/preferences")
	s.w.Press("Change 2FA")
	s.w.Choose("value", "On")
	s.w.Press("Show the effect")
	s.look("effect-on", "will be asked to set up at their next sign-in")
	change := admin.Change{AddRights: []countersign.Right{countersign.RightPreferences}, Version: admin.AnyVersion}
	if _, err := s.Admin.EditUser(context.Background(), s.Visit(), apptest.Operator, "JJONES", change); err != nil {
		s.t.Fatal(err)
	}
	s.another("127.0.0.34")
	s.signIn("JJONES")
	s.Pass(6 * time.Minute)
	s.w.Go(home + "/admin/system/preferences?edit=SESSIONIDLE")
	s.look("preference-open", "Show the effect")
	s.w.Type("value", "30")
	s.w.Press("Save")
	s.look("step-up-password", "your password is needed once more")
}
