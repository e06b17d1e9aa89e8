package outbox_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"mime/quotedprintable"
	"net"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"countersign"
	"countersign/internal/mtatest"
	"countersign/internal/outbox"
	"countersign/internal/store"
)

// spellings are the ways in which a server may repeat a text.
var spellings = map[string]func(string) string{
	"plain":            func(s string) string { return s },
	"base64":           func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64, moved":    func(s string) string { return base64.StdEncoding.EncodeToString([]byte("x" + s)) },
	"hex":              func(s string) string { return hex.EncodeToString([]byte(s)) },
	"quoted-printable": quotedPrintable,
	"HTML":             html.EscapeString,
	"entities":         func(s string) string { return each1(s, func(r rune) string { return fmt.Sprintf("&#%d;", r) }) },
	"percent":          func(s string) string { return each1(s, func(r rune) string { return fmt.Sprintf("%%%02x", r) }) },
	"spaces":           func(s string) string { return each1(s, func(r rune) string { return string(r) + " " }) },
	"dashes":           func(s string) string { return each1(s, func(r rune) string { return string(r) + "-" }) },
	"threes": func(s string) string {
		return strings.ReplaceAll(strings.ReplaceAll(s, "344078", "344 078"), "6145550112", "614 555 0112")
	},
	"full width": func(s string) string { return strings.Map(wide, s) },
	"JSON":       func(s string) string { text, _ := json.Marshal(s); return string(text) },
}

func each1(s string, as func(rune) string) string {
	var all strings.Builder
	for _, r := range s {
		all.WriteString(as(r))
	}
	return all.String()
}

func wide(r rune) rune {
	if r > ' ' && r < 127 {
		return r - '!' + '！'
	}
	return r
}

func quotedPrintable(s string) string {
	var all bytes.Buffer
	w := quotedprintable.NewWriter(&all)
	_, _ = io.WriteString(w, s)
	_ = w.Close()
	return all.String()
}

// secrets are what must not be kept of the messages of these tests.
var secrets = []string{"344078", "6145550112", "bsmith@acme.example", "KJHGFDSAzxcvbnm0987654321qwertyuiop_LINK"}

// clean fails the test if a text contains a secret, however it is written.
func clean(t *testing.T, where, text string) {
	t.Helper()
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
	for _, secret := range secrets {
		for name, spell := range spellings {
			if name != "spaces" && name != "dashes" && strings.Contains(strings.ToLower(text), strings.ToLower(strings.TrimRight(spell(secret), "="))) {
				t.Errorf("%s holds %s in %s: %s", where, secret, name, text)
			}
		}
	}
	if strings.Contains(digits, "344078") || strings.Contains(digits, "5550112") {
		t.Errorf("%s holds a token or number in pieces: %s", where, text)
	}
	if strings.Contains(text, "Agency Integrator") {
		t.Errorf("%s repeats the message: %s", where, text)
	}
}

func cleanOutcome(t *testing.T, receipt outbox.Receipt, err error) {
	t.Helper()
	clean(t, "the receipt's answer", receipt.Answer)
	clean(t, "the receipt's tag", receipt.Tag)
	var refusal *outbox.Refusal
	if errors.As(err, &refusal) {
		clean(t, "the refusal", refusal.Error())
		if refusal.Answer == "" {
			t.Error("the refusal says nothing")
		}
	}
}

const mailBody = "Your Agency Integrator token is: 344078. https://login.acme.example/not-me?link=KJHGFDSAzxcvbnm0987654321qwertyuiop_LINK for bsmith@acme.example\n"

// OT-10: whatever a mail server answers, and however it writes what it was given, nothing of
// the mail is kept.
func TestNothingOfAMailIsInItsAnswer(t *testing.T) {
	for name, spell := range spellings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, step := range []string{"greeting", "EHLO", "MAIL", "RCPT", "DATA", "end"} {
				for _, code := range []int{250, 220, 354, 450, 554} {
					l := mailTo("bsmith@acme.example")
					l.Text = mailBody
					s := route(t, mtatest.RepeatMail(t, mtatest.Repeated{Step: step, Code: code, Before: mailBody, Spell: spell}))
					receipt, err := s.Send(t.Context(), l)
					cleanOutcome(t, receipt, err)
					for _, f := range s.Steps(t.Context()) {
						clean(t, "a step of a test", strings.ReplaceAll(f.Text, "127.0.0.1, port", ""))
					}
					f := s.Check(t.Context())
					clean(t, "the doctor's finding", f.Text+f.Fix)
				}
			}
		})
	}
}

// OT-10: no text gateway's body is kept, whether it accepted the text or not.
func TestNothingOfATextIsInItsAnswer(t *testing.T) {
	urls := map[string]func(string) string{
		"twilio":  func(host string) string { return "twilio://" + account + ":s3cret@" + host + "?from=%2B16145550100" },
		"vonage":  func(host string) string { return "vonage://key:s3cret@" + host + "?from=16145550100" },
		"webhook": func(host string) string { return "webhook+http://" + host + "/sms?secret=s3cret" },
	}
	shapes := []func(string) string{
		func(s string) string { return s },
		func(s string) string {
			return fmt.Sprintf(`{"sid":%[1]q,"status":%[1]q,"code":344078,"message":%[1]q,"messages":[{"message-id":%[1]q,"status":"0","error-text":%[1]q}]}`, s)
		},
		func(s string) string {
			return fmt.Sprintf(`{"sid":"344078","code":44078,"message":%[1]q,"messages":[{"message-id":"x344078","status":"344078","error-text":%[1]q}]}`, s)
		},
		func(s string) string { return `{"sid":"MzQ0MDc4","messages":[{"message-id":"MzQ0MDc4","status":"0"}]}` },
		func(s string) string {
			return `{"sid":"333434303738","messages":[{"message-id":"333434303738","status":"0"}]}`
		},
	}
	for kind, url := range urls {
		for name, spell := range spellings {
			t.Run(kind+", "+name, func(t *testing.T) {
				t.Parallel()
				for _, shape := range shapes {
					for _, status := range []int{200, 202, 302, 400, 401, 403, 422, 429, 500, 503} {
						g := gateway(t, func(w http.ResponseWriter, r *http.Request) {
							body, _ := io.ReadAll(r.Body)
							w.Header().Set("Content-Type", "application/json")
							w.WriteHeader(status)
							_, _ = io.WriteString(w, shape(spell(text.Text+" +16145550112 "+string(body))))
						})
						receipt, err := parse(t, url(g.Host)).Gateways()[0].Send(t.Context(), text)
						receipt.Tag = outbox.TagFor(text, receipt.Tag)
						cleanOutcome(t, receipt, err)
					}
				}
			})
		}
	}
}

// center starts a message center that answers with a status and uses what it was given as the
// message ID.
func center(t *testing.T, status uint32, id func(text string) string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go submit(c, status, id)
		}
	}()
	return "smpp://cs:secret@" + l.Addr().String() + "?from=%2B16145550100"
}

func submit(c net.Conn, status uint32, id func(text string) string) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	for {
		var head [16]byte
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:])-16)
		if _, err := io.ReadFull(r, body); err != nil {
			return
		}
		command, answer, code := binary.BigEndian.Uint32(head[4:]), []byte("center\x00"), uint32(0)
		if command == 4 {
			answer, code = append([]byte(id(string(body))), 0), status
		}
		out := binary.BigEndian.AppendUint32(nil, uint32(16+len(answer)))
		out = binary.BigEndian.AppendUint32(out, command|0x80000000)
		out = binary.BigEndian.AppendUint32(out, code)
		out = append(append(out, head[12:]...), answer...)
		if _, err := c.Write(out); err != nil {
			return
		}
	}
}

func TestNothingOfATextIsInItsStatus(t *testing.T) {
	for _, status := range []uint32{0, 8, 11, 344078, 0x344078, 0x540} {
		for name, spell := range spellings {
			s, err := outbox.ParseSMPP(center(t, status, spell))
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := s.Send(t.Context(), text)
			receipt.Tag = outbox.TagFor(text, receipt.Tag)
			cleanOutcome(t, receipt, err)
			var refusal *outbox.Refusal
			if errors.As(err, &refusal) && (strings.Contains(refusal.Answer, "5400e") || strings.Contains(refusal.Answer, "344078")) {
				t.Errorf("%s: %s", name, refusal.Answer)
			}
			s.Close()
		}
	}
}

// OT-10, AU-02: rows and logs contain nothing of a message, whatever a sender returns.
func TestNothingOfAMessageIsInItsRow(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, o *outbox.Outbox, _ *sender, _ *clock) {
		var log bytes.Buffer
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		n := 0
		for name, spell := range spellings {
			for _, outcome := range []string{"taken", "refused", "waits"} {
				id := countersign.MessageID(fmt.Sprint("m", n))
				n++
				said := spell(mailBody)
				o.Mail = repeating{outcome, said}
				add(t, db, countersign.Message{ID: id, Kind: countersign.MessageToken, Reference: "KX"})
				poll(t, o)
				m := message(t, db, id)
				if m.State == countersign.StateSending || m.State == countersign.StateWaiting && outcome != "waits" {
					t.Fatalf("%s, %s: %+v", name, outcome, m)
				}
				clean(t, "the row", m.Answer+" "+m.Tag+" "+string(m.Reason))
				if m.Answer == "" {
					t.Errorf("%s, %s: the row says nothing", name, outcome)
				}
				if o.Mail = (repeating{"taken", "250 OK"}); outcome == "waits" {
					if err := db.In(t.Context(), "a", func(tx *store.Tx) error { return tx.DropToken(t.Context(), id, noon) }); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for _, line := range strings.Split(log.String(), "\n") {
			_, line, _ = strings.Cut(line, "msg=")
			clean(t, "the log", line)
		}
	})
}

// A repeating sender returns a given text.
type repeating struct{ outcome, says string }

func (r repeating) Send(context.Context, outbox.Outgoing) (outbox.Receipt, error) {
	switch r.outcome {
	case "taken":
		return outbox.Receipt{Server: "mail.acme.example", Answer: "250 2.0.0 " + r.says, Tag: r.says}, nil
	case "refused":
		return outbox.Receipt{}, &outbox.Refusal{Server: "mail.acme.example", Answer: "554 " + r.says, Permanent: true}
	default:
		return outbox.Receipt{}, &outbox.Refusal{Server: "mail.acme.example", Answer: r.says}
	}
}
