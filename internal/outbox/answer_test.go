package outbox_test

import (
	"os"
	"strings"
	"testing"
	"unicode"

	"countersign/internal/outbox"
)

// Usual answers of servers stay readable; what else they contain is removed.
func TestRedact(t *testing.T) {
	for said, want := range map[string]string{
		"250 OK":                                      "250 OK",
		"250 2.0.0 OK: queued as 4XyZ12abcDEF":        "250 2.0.0 OK: queued as",
		"552 5.2.2 Mailbox full":                      "552 5.2.2 Mailbox full",
		"451 4.7.1 Greylisted, try again in a second": "451 4.7.1 Greylisted, try again in a second",
		"550 5.1.1 <bsmith@acme.example>: Recipient address rejected: User unknown in local recipient table":          "550 5.1.1 … Recipient address rejected: User unknown in local recipient table",
		"550 5.7.1 Service unavailable, client host [192.0.2.7] blocked using Spamhaus; see https://x.example/344078": "550 5.7.1 Service unavailable, client host … blocked using … see",
		"450 4.2.0 try again in 300 seconds":      "450 4.2.0 try again in … seconds",
		"550":                                     "550",
		"550 Empf\xe4nger unbekannt":              "550",
		"it can't be reached: connection refused": "it can't be reached: connection refused",
		"it did not take our login: 535 5.7.8 Authentication failed": "it did not take our login: 535 5.7.8 Authentication failed",
		"400 21614 the number is no mobile number":                   "400 21614 the number is no mobile number",
		"400 34407 the number is no mobile number":                   "400 the number is no mobile number",
		"344078":               "its answer is not shown",
		"Your token is 344078": "its answer is not shown",
		"554 344 078":          "554",
		"":                     "",
	} {
		if got := outbox.Redact(said); got != want {
			t.Errorf("%q: got %q, want %q", said, got, want)
		}
		if once := outbox.Redact(said); outbox.Redact(once) != once {
			t.Errorf("%q: twice it is %q", once, outbox.Redact(once))
		}
	}
	if long := outbox.Redact("554 " + strings.Repeat("blocked ", 1000)); len([]rune(long)) > 200 {
		t.Errorf("%d letters", len(long))
	}
}

// The vocabulary has words only, from which no secret can be put together.
func TestVocabularyHasNoDigits(t *testing.T) {
	text, err := os.ReadFile("vocabulary.txt")
	if err != nil {
		t.Fatal(err)
	}
	numbers := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve hundred thousand null")
	for _, line := range strings.Split(string(text), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, word := range strings.Fields(line) {
			if strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsLower(r) && r != '\'' && r != '-' }) {
				t.Errorf("%q is no word", word)
			}
			for _, number := range numbers {
				if word == number {
					t.Errorf("%q is a number", word)
				}
			}
		}
	}
}

// A server's answer is classified by its code, its enhanced code and, if neither says why, by
// its words.
func TestReasons(t *testing.T) {
	for said, want := range map[string]string{
		"552 5.2.2 Mailbox full":                                                      "mailbox_full",
		"452 4.2.2 The email account is over quota":                                   "mailbox_full",
		"550 The mailbox is full":                                                     "mailbox_full",
		"550 5.1.1 User unknown":                                                      "no_address",
		"550 5.1.10 RESOLVER.ADR.RecipientNotFound":                                   "no_address",
		"550 No such user here":                                                       "no_address",
		"451 4.7.1 Greylisted, try again later":                                       "later",
		"450 4.7.1 Helo command rejected: Host not found":                             "settings",
		"504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname": "settings",
		"550 5.7.1 Unable to relay":                                                   "settings",
		"554 5.7.1 Relay access denied":                                               "settings",
		"553 5.7.1 Sender address rejected: not owned by user":                        "settings",
		"501 5.1.7 Bad sender address syntax":                                         "settings",
		"550 5.1.8 Sender domain not found":                                           "settings",
		"530 5.7.0 Authentication required":                                           "settings",
		"503 Bad sequence of commands":                                                "settings",
		"554 5.7.1 Message rejected as spam":                                          "blocked",
		"550 5.7.26 Unauthenticated mail is not accepted due to domain's policy":      "settings",
		"450 4.2.1 Mailbox busy":                                                      "later",
		"450 Mailbox unavailable":                                                     "later",
		"421 4.7.0 Too many connections":                                              "rate_limited",
		"421 4.3.2 down for maintenance":                                              "later",
		"552 5.3.4 Message too big":                                                   "too_large",
		"554 Transaction failed":                                                      "refused",
	} {
		if got := outbox.ReasonOf(said); string(got) != want {
			t.Errorf("%q: got %s, want %s", said, got, want)
		}
	}
}

// Our own sentences are kept whole.
func TestOwnSentencesAreKept(t *testing.T) {
	all := []string{
		"there was no answer in time", "there was no answer after the mail; it may have arrived", "it can't be reached: connection refused",
		"it can't be reached: no route to host", "it can't be reached: network is unreachable", "its name can't be found", "it closed the connection",
		"it offers no encryption (STARTTLS), without which nothing is sent; set tls=implicit or tls=none in --smtp-url, or another port", "it offers no login", "it offers no login of the kind that is set",
		"its certificate is not right: it is of another host", "its certificate is not right: nobody known here signed it",
		"its certificate is not right: it is expired, or not valid yet", "its certificate is not right: it is not valid", "the encryption failed",
		"its answer can't be read", "its answer can't be read; the message may have been taken", "a web page answered instead of the gateway",
		"there was no answer; the message may have been taken", "its answer broke off", "it could not be handed over", "a status that is not known here",
		"an error that is not known here", "the service that gives out tokens said no: invalid client", "the service that gives out tokens can't be reached",
		"this gateway is not set up any more, and may have the message", "it did not take our login: 0x0e wrong password", "0x58 too many messages",
		"accepted", "kept", "202 Accepted", "503 Service Unavailable", "550 (no text: there is no such address)", "not sent: this message was moved or changed in the database",
	}
	for _, errors := range outbox.OwnErrors {
		for _, words := range errors {
			all = append(all, words)
		}
	}
	for _, said := range all {
		if got := outbox.Redact(said); got != said {
			t.Errorf("%q becomes %q", said, got)
		}
	}
}
