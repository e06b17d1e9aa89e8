package mtatest

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
)

// Repeated says which step a mail server answers by repeating all that it was given.
type Repeated struct {
	Step   string // greeting, EHLO, MAIL, RCPT, DATA or end
	Code   int
	Before string              // what it was given in an earlier session
	Spell  func(string) string // how it writes that
}

// RepeatMail starts a mail server that repeats what it is given; it ends with the test.
// RepeatMail returns the setting that sends mail there.
func RepeatMail(t testing.TB, r Repeated) string {
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
			go r.talk(c)
		}
	}()
	return "smtp://" + l.Addr().String() + "?tls=none"
}

func (r Repeated) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	text, heard := textproto.NewConn(c), r.Before
	say := func(step string, usual int) {
		if step != r.Step {
			_ = text.PrintfLine("%d ok", usual)
			return
		}
		lines := strings.Split(strings.TrimSpace(r.Spell(heard)), "\n")
		for i, line := range lines {
			mark := "-"
			if i == len(lines)-1 {
				mark = " "
			}
			_ = text.PrintfLine("%d%s%d.5.0 %s", r.Code, mark, r.Code/100, line)
		}
	}
	say("greeting", 220)
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		heard += line + "\n"
		switch verb := strings.ToUpper(line[:min(4, len(line))]); verb {
		case "DATA":
			if say("DATA", 354); r.Step == "DATA" && r.Code != 354 {
				continue
			}
			body, err := text.ReadDotBytes()
			if err != nil {
				return
			}
			heard += string(body)
			say("end", 250)
		case "QUIT":
			say("QUIT", 221)
			return
		default:
			say(verb, 250)
		}
	}
}

// RepeatTexts starts a text gateway that answers each message with a status and with what it
// was given; it ends with the test. RepeatTexts returns the setting that sends text messages
// there.
func RepeatTexts(t testing.TB, status int, spell func(string) string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, spell(string(body)))
	}))
	t.Cleanup(server.Close)
	return "webhook+" + server.URL + "/sms?" + url.Values{"secret": {gatewaySecret}}.Encode()
}
