package outbox

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"countersign"
	"countersign/internal/wording"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	noon = time.Date(2026, 11, 3, 15, 1, 0, 0, time.UTC)
	acme = countersign.Agency{Name: "Acme Insurance", Product: "Agency Integrator", URL: "https://login.acme.example", Zone: "America/New_York"}
	help = countersign.Preferences{Help: "Acme support desk, 614-555-0100", TokenLife: countersign.TokenLife}
)

// samples returns one message of every kind, and of the variants of a kind.
func samples() map[string]countersign.Message {
	data := func(more ...string) map[string]string {
		d := map[string]string{"At": "1793804460000", "IP": "192.0.2.44", "Browser": "Chrome", "OS": "Windows", "UserID": "BSMITH", "Name": "Bob Smith"}
		for i := 0; i+1 < len(more); i += 2 {
			d[more[i]] = more[i+1]
		}
		return d
	}
	until := "1793890860000"
	by := "Ann Admin (ADMIN)"
	all := map[string]countersign.Message{
		"token":              {Kind: countersign.MessageToken, Data: data("Token", "344078"), Reference: "KX", Expires: noon.Add(2 * time.Minute)},
		"token-consent":      {Kind: countersign.MessageToken, Data: data("Token", "344078", "New", "bob@mail.example"), Reference: "KX", Expires: noon.Add(2 * time.Minute)},
		"new-connection":     {Kind: countersign.MessageNewConnection, Data: data("Proof", "app", "Until", until, "Link", "https://login.acme.example/not-me?link=R7vQm2")},
		"reset-by-yourself":  {Kind: countersign.MessageReset, Data: data("Until", until)},
		"reset-by-admin":     {Kind: countersign.MessageReset, Data: data("Until", until, "By", by, "Reason", "Lost phone")},
		"set-up":             {Kind: countersign.MessageEnrolled, Data: data("Methods", "email app sms", "Default", "app", "Proof", "sms", "Until", until, "Link", "https://login.acme.example/not-me?link=R7vQm2")},
		"set-up-left":        {Kind: countersign.MessageEnrolled, Data: data("Methods", "email", "Default", "email")},
		"method-added":       {Kind: countersign.MessageMethodAdded, Data: data("Method", "app")},
		"passkey-added":      {Kind: countersign.MessageMethodAdded, Data: data("Method", "passkey", "Passkey", "Chrome on Windows")},
		"passkey-copied":     {Kind: countersign.MessagePasskeyCopied, Data: data("Passkey", "Chrome on Windows")},
		"passkey-copied-of":  {Kind: countersign.MessagePasskeyCopied, Data: data("Passkey", "Chrome on Windows", "Of", "BSMITH")},
		"default-changed":    {Kind: countersign.MessageDefaultChanged, Data: data("Method", "sms")},
		"method-removed":     {Kind: countersign.MessageMethodRemoved, Data: data("Method", "sms")},
		"two-factor-address": {Kind: countersign.MessageAddressChanged, Data: data("Old", "bsmith@acme.example", "New", "bob@mail.example")},
		"two-factor-asked":   {Kind: countersign.MessageAddressAsked, Data: data("New", "bob@mail.example")},
		"profile-email":      {Kind: countersign.MessageProfileChanged, Data: data("What", "email", "Old", "b@acme.example", "New", "bs@acme.example", "By", by)},
		"profile-mobile":     {Kind: countersign.MessageProfileChanged, Data: data("What", "mobile", "Old", "+16145550109", "New", "+16145550112", "By", by, "Reason", "New phone")},
		"default-undone":     {Kind: countersign.MessageDefaultChanged, Data: data("Method", "email", "Undone", "yes")},
		"method-undone":      {Kind: countersign.MessageMethodRemoved, Data: data("Method", "app", "Undone", "yes")},
		"address-undone":     {Kind: countersign.MessageAddressChanged, Data: data("Old", "+16145550199", "New", "+16145550112", "Undone", "yes")},
		"profile-undone":     {Kind: countersign.MessageProfileChanged, Data: data("What", "mobile", "Old", "+16145550199", "New", "+16145550112", "By", by, "Undone", "yes")},
		"activation":         {Kind: countersign.MessageActivation, Data: data("By", by, "Until", until, "Link", "https://login.acme.example/welcome?link=5QzL0c7vXr2mYt8NwHb4Jd")},
		"invitation":         {Kind: countersign.MessageInvitation, Data: data("By", by)},
		"turned-off":         {Kind: countersign.MessageTurnedOff, Data: data("By", by, "What", "2FA", "Old", "On", "New", "Off", "Reason", "Moving house")},
		"recovery-used":      {Kind: countersign.MessageRecoveryUsed, Data: data("Left", "5", "All", "8")},
		"recovery-last":      {Kind: countersign.MessageRecoveryUsed, Data: data("Left", "0", "All", "8")},
		"recovery-made":      {Kind: countersign.MessageRecoveryMade, Data: data("All", "8")},
		"disabled":           {Kind: countersign.MessageDisabled, Data: data("By", by, "Reason", "Left the agency")},
		"opened":             {Kind: countersign.MessageEnrollmentOpened, Data: data("Opening", "2", "Most", "5", "Until", until)},
		"enrolment-code":     {Kind: countersign.MessageEnrollmentCode, Data: data("By", by, "Reason", "New phone and mailbox", "Until", until)},
		"enrolment-used":     {Kind: countersign.MessageEnrollmentCode, Data: data("By", by, "Used", "yes")},
		"reset-cancelled":    {Kind: countersign.MessageResetCanceled, Data: data("By", by)},
		"watch-reset":        {Kind: countersign.MessageAdminNotice, Data: data("What", "reset", "By", by, "Reason", "Lost phone")},
		"watch-cancelled":    {Kind: countersign.MessageAdminNotice, Data: data("What", "reset-cancelled", "By", by)},
		"watch-code":         {Kind: countersign.MessageAdminNotice, Data: data("What", "code", "By", by, "Reason", "New phone and mailbox")},
		"watch-enrolled":     {Kind: countersign.MessageAdminNotice, Data: data("What", "enrolled", "New", "bob@mail.example")},
		"watch-disowned":     {Kind: countersign.MessageAdminNotice, Data: data("What", "disowned", "Session", "Chrome on Windows, 192.0.2.44")},
		"password-reset":     {Kind: countersign.MessagePasswordLink, Data: data("Until", "1793808060000", "Link", "https://login.acme.example/password/reset?key=9XrT2vQ6bLm0KwYc4Hs7Pn")},
		"password-changed":   {Kind: countersign.MessagePasswordChanged, Data: data("How", "change")},
		"password-by-link":   {Kind: countersign.MessagePasswordChanged, Data: data("How", "link")},
		"password-known":     {Kind: countersign.MessagePasswordKnown, Data: data("Wrong", "3")},
		"password-abandoned": {Kind: countersign.MessagePasswordKnown, Data: data("Wrong", "0")},
		"password-replaced":  {Kind: countersign.MessagePasswordKnown, Data: data("Wrong", "1", "Replaced", "yes")},
		"guessing-tokens":    {Kind: countersign.MessageGuessing, Data: data("Why", "token.stopped", "Until", until)},
		"guessing-methods":   {Kind: countersign.MessageGuessing, Data: data("Why", "token.closed", "Methods", "app email")},
		"guessing-password":  {Kind: countersign.MessageGuessing, Data: data("Why", "password.closed", "Lane", "password")},
		"test":               {Kind: countersign.MessageTest, Data: data()},
		"text-alarm":         {Kind: countersign.MessageTextAlarm, Data: data("What", "adjacent", "Sent", "112")},
		"token-sms":          {Kind: countersign.MessageToken, Channel: countersign.ChannelSMS, Data: data("Token", "344078"), Reference: "KX"},
		"test-sms":           {Kind: countersign.MessageTest, Channel: countersign.ChannelSMS, Data: data()},
	}
	for name, m := range all {
		if m.Channel == "" {
			m.Channel = countersign.ChannelEmail
		}
		m.ID, m.To = "m1", "bsmith@acme.example"
		all[name] = m
	}
	return all
}

// Every mail equals its golden file, in plain text and HTML.
func TestLetters(t *testing.T) {
	for name, m := range samples() {
		t.Run(name, func(t *testing.T) {
			l, err := Render(acme, help, m, "Agency Support <support@acme.example>", wording.Texts{})
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".txt", "Subject: "+l.Subject+"\n\n"+l.Text)
			if m.Channel == countersign.ChannelEmail {
				golden(t, name+".html", l.HTML)
			}
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Every kind of message has a sample.
func TestEveryKindHasALetter(t *testing.T) {
	have := map[countersign.MessageKind]bool{}
	for _, m := range samples() {
		have[m.Kind] = true
	}
	for kind := range templates {
		if !have[kind] {
			t.Errorf("kind %s has no sample", kind)
		}
	}
}

// M15: the token mail contains the TechNote's sentences word for word; with a longer token
// life only the time differs. No subject contains the token (OT-06).
func TestTokenLetterSaysTheTechNote(t *testing.T) {
	m := samples()["token"]
	l, err := Render(acme, help, m, "x@acme.example", wording.Texts{})
	if err != nil {
		t.Fatal(err)
	}
	for _, sentence := range []string{
		"Your Agency Integrator time-based, one-time token is: 344078",
		"This Token will expire in one to two minutes. After expiration, a new Token must be generated from the Agency Integrator login screen.",
	} {
		if !strings.Contains(l.Text, sentence) {
			t.Errorf("the mail lacks %q:\n%s", sentence, l.Text)
		}
	}
	if strings.Contains(l.Subject, "344078") || !strings.Contains(l.Subject, "(KX)") {
		t.Errorf("subject %q", l.Subject)
	}
	longer := help
	longer.TokenLife = 5 * time.Minute
	if l, _ = Render(acme, longer, m, "x@acme.example", wording.Texts{}); !strings.Contains(l.Text, "This Token will expire in 5 minutes. After") {
		t.Errorf("with five minutes:\n%s", l.Text)
	}
}

// Whatever names agencies and people have, they add no header and no markup (NT-02, WB-05).
// Every mail also works without a help contact.
func TestHostileLetters(t *testing.T) {
	hostile := countersign.Agency{Name: "Smith & Sons <\"Insurance\">\r\nBcc: x@y.example", URL: "https://login.acme.example"}
	for name, m := range samples() {
		for key := range m.Data {
			if key != "At" && key != "Until" && key != "Link" && key != "Token" && key != "Method" && key != "What" {
				m.Data[key] = "<script>alert(1)</script>\r\nBcc: x@y.example"
			}
		}
		l, err := Render(hostile, countersign.Preferences{}, m, "x@acme.example", wording.Texts{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if strings.ContainsAny(l.Subject, "\r\n") || strings.Contains(l.HTML, "<script") || strings.Contains(l.Text, "\nBcc:") {
			t.Errorf("%s: %q\n%s\n%s", name, l.Subject, l.Text, l.HTML)
		}
	}
}

// SM-03: a text message is short, and its last line is bound to the origin.
func TestTextMessage(t *testing.T) {
	m := samples()["token-sms"]
	l, err := Render(acme, help, m, "", wording.Texts{})
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(l.Text, "\n")
	if len(l.Text) > 160 || lines[len(lines)-1] != "@login.acme.example #344078" {
		t.Errorf("%d characters: %q", len(l.Text), l.Text)
	}
}
