package outbox

import (
	"bufio"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign"
)

// A talker is a mail server that answers each command as the test says, by default with 250.
// An empty answer closes the connection.
type talker struct {
	answers map[string]string // by verb; also "greeting" and "end"

	mu    sync.Mutex
	heard []string
}

func (k *talker) lines() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return strings.Join(k.heard, "\n")
}

// start listens on loopback until the test ends, and returns an SMTP for it.
func (k *talker) start(t *testing.T) *SMTP {
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
			go k.talk(c)
		}
	}()
	s, err := ParseSMTP("smtp://" + l.Addr().String() + "?tls=none")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (k *talker) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	say := func(verb, usual string) bool {
		said, ok := k.answers[verb]
		if !ok {
			said = usual
		}
		if said != "" {
			_, _ = c.Write([]byte(said + "\r\n"))
		}
		return said != ""
	}
	ok := say("greeting", "220 ready")
	for ok {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		k.mu.Lock()
		k.heard = append(k.heard, line)
		k.mu.Unlock()
		verb, _, _ := strings.Cut(line, " ")
		if verb != "DATA" {
			ok = say(verb, "250 ok")
			continue
		}
		if ok = say(verb, "354 go on"); !ok || !strings.HasPrefix(k.answers[verb], "3") && k.answers[verb] != "" {
			continue
		}
		for line != "." && err == nil {
			line, err = r.ReadString('\n')
			line = strings.TrimSpace(line)
		}
		ok = err == nil && say("end", "250 taken")
	}
}

func letter() Outgoing {
	return Outgoing{ID: "m1", Channel: countersign.ChannelEmail, From: "support@acme.example", To: "bsmith@acme.example", Subject: "Hello", Text: ".\n..\nThe token is 344078.\n", HTML: "<p>x</p>"}
}

// Replies come without text, in several lines, in other alphabets and very long. Each can be
// read, and the result is readable.
func TestRepliesOfAnyShape(t *testing.T) {
	for name, c := range map[string]struct {
		answers   map[string]string
		says      string // empty: accepted
		permanent bool
		reason    countersign.Reason
	}{
		"without text":         {map[string]string{"greeting": "220", "EHLO": "250", "MAIL": "250", "RCPT": "250 ", "DATA": "354", "end": "250"}, "", false, ""},
		"several lines":        {map[string]string{"greeting": "220-hello\r\n220-and\r\n220 again", "EHLO": "250-me\r\n250-8BITMIME\r\n250 SIZE 100", "end": "250-2.0.0 taken\r\n250 2.0.0 OK"}, "", false, ""},
		"a very long line":     {map[string]string{"end": "250 2.0.0 queued " + strings.Repeat("y", 5000) + " 550 no"}, "", false, ""},
		"HELO only":            {map[string]string{"EHLO": "502 unknown command"}, "", false, ""},
		"refused, no text":     {map[string]string{"RCPT": "550"}, "550 (no text: there is no such address)", true, countersign.ReasonNoAddress},
		"full, several lines":  {map[string]string{"RCPT": "552-5.2.2 The mailbox\r\n552-5.2.2 is full\r\n552 5.2.2 now"}, "552 5.2.2 The mailbox is full now", true, countersign.ReasonMailboxFull},
		"another alphabet":     {map[string]string{"RCPT": "550 5.1.1 \xb2\xbb\xb4\xe6\xd4\xda"}, "550 5.1.1 (no text: there is no such address)", true, countersign.ReasonNoAddress},
		"our name":             {map[string]string{"RCPT": "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname"}, "504 5.5.2 … Helo command rejected: need fully-qualified hostname", false, countersign.ReasonSettings},
		"our name, at EHLO":    {map[string]string{"EHLO": "504 need a name", "HELO": "504 need a name"}, "504 need a name", false, countersign.ReasonSettings},
		"our sender":           {map[string]string{"MAIL": "553 5.7.1 Sender address rejected"}, "553 5.7.1 Sender address rejected", false, countersign.ReasonSettings},
		"relay":                {map[string]string{"RCPT": "554 5.7.1 Relay access denied"}, "554 5.7.1 Relay access denied", false, countersign.ReasonSettings},
		"no commands in order": {map[string]string{"DATA": "503 5.5.1 Bad sequence of commands"}, "503 5.5.1 Bad sequence of commands", false, countersign.ReasonSettings},
		"spam":                 {map[string]string{"end": "554 5.7.1 Message rejected as spam"}, "554 5.7.1 Message rejected as spam", true, countersign.ReasonBlocked},
		"greylisted":           {map[string]string{"RCPT": "451 4.7.1 Greylisted, try again later"}, "451 4.7.1 Greylisted, try again later", false, countersign.ReasonLater},
		"too many":             {map[string]string{"greeting": "421 4.7.0 Too many connections"}, "421 4.7.0 Too many connections", false, countersign.ReasonRateLimited},
		"refused at the door":  {map[string]string{"greeting": "554 no service for you"}, "554 no service", false, countersign.ReasonSettings},
		"no protocol":          {map[string]string{"greeting": "SSH-2.0-OpenSSH"}, "its answer can't be read", false, countersign.ReasonUnreachable},
		"a number too short":   {map[string]string{"MAIL": "25"}, "its answer can't be read", false, countersign.ReasonUnreachable},
		"hangs up":             {map[string]string{"RCPT": ""}, "it closed the connection", false, countersign.ReasonUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := &talker{answers: c.answers}
			receipt, err := k.start(t).Send(t.Context(), letter())
			var refusal *Refusal
			switch {
			case c.says == "" && (err != nil || !strings.HasPrefix(receipt.Answer, "250")):
				t.Errorf("%+v, %v", receipt, err)
			case c.says == "":
			case !errors.As(err, &refusal) || !strings.HasPrefix(refusal.Answer, c.says) || refusal.Permanent != c.permanent || refusal.Reason != c.reason || refusal.MaybeTaken:
				t.Errorf("%+v, %v", refusal, err)
			}
		})
	}
}

// A mail may have arrived if the connection is lost after the whole mail was sent, but not if
// it is lost before.
func TestWhenAMailMayHaveArrived(t *testing.T) {
	k := &talker{answers: map[string]string{"end": ""}}
	s := k.start(t)
	_, err := s.Send(t.Context(), letter())
	var refusal *Refusal
	if !errors.As(err, &refusal) || !refusal.MaybeTaken || refusal.Route != "127.0.0.1" || refusal.Reason != countersign.ReasonSilent {
		t.Errorf("lost after the mail: %+v", refusal)
	}
	again := letter()
	again.Route = "127.0.0.1"
	k = &talker{answers: map[string]string{"RCPT": "451 later"}}
	if _, err := k.start(t).Send(t.Context(), again); !errors.As(err, &refusal) || !refusal.MaybeTaken {
		t.Errorf("an earlier try may have arrived: %+v", refusal)
	}
	for verb := range map[string]bool{"MAIL": true, "RCPT": true, "DATA": true} {
		k := &talker{answers: map[string]string{verb: ""}}
		if _, err := k.start(t).Send(t.Context(), letter()); !errors.As(err, &refusal) || refusal.MaybeTaken || refusal.Route != "" {
			t.Errorf("lost at %s: %+v", verb, refusal)
		}
	}
}

// EHLO names the host that is set; an address is in brackets (RFC 5321 §4.1.3).
func TestNameInEHLO(t *testing.T) {
	for helo, want := range map[string]string{"login.acme.example": "EHLO login.acme.example", "192.0.2.7": "EHLO [192.0.2.7]", "2001:db8::7": "EHLO [IPv6:2001:db8::7]", "[::1]": "EHLO [IPv6:::1]"} {
		k := &talker{}
		s := k.start(t)
		s.Helo = helo
		if _, err := s.Send(t.Context(), letter()); err != nil || !strings.HasPrefix(k.lines(), want+"\n") {
			t.Errorf("%s: %v, %s", helo, err, k.lines())
		}
	}
}

// A recorder records the timeouts of a connection.
type recorder struct {
	net.Conn
	waits []time.Duration
}

func (r *recorder) SetDeadline(t time.Time) error {
	r.waits = append(r.waits, time.Until(t).Round(10*time.Second))
	return r.Conn.SetDeadline(t)
}

// Mail gives a server the timeouts of RFC 5321 §4.5.3.2; a token's mail ends when the token
// expires, and a check after its own timeout.
func TestTimeLimits(t *testing.T) {
	for name, c := range map[string]struct {
		patience, life time.Duration
		want           []time.Duration
	}{
		"letter":   {0, 0, []time.Duration{commandTimeout, commandTimeout, commandTimeout, commandTimeout, dataTimeout, blockTimeout, endTimeout}},
		"token":    {0, 2 * time.Minute, []time.Duration{2 * time.Minute, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute, 2 * time.Minute}},
		"patience": {time.Minute, 0, []time.Duration{time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute, time.Minute}},
	} {
		ours, theirs := net.Pipe()
		k := &talker{}
		go k.talk(theirs)
		r := &recorder{Conn: ours}
		talk := &conversation{host: "localhost", conn: r, read: bufio.NewReader(r), stop: func() bool { return true }, maxWait: c.patience}
		if c.life > 0 {
			talk.deadline = time.Now().Add(c.life)
		}
		m, err := compose(letter())
		if err != nil {
			t.Fatal(err)
		}
		if err := talk.greet(&SMTP{security: "none", Helo: "a.example"}); err != nil {
			t.Fatal(err)
		}
		if _, err := talk.send("<a@acme.example>", []string{"<b@acme.example>"}, m, func() error { return nil }); err != nil {
			t.Fatal(err)
		}
		talk.close()
		if len(r.waits) != len(c.want) {
			t.Fatalf("%s: %v", name, r.waits)
		}
		for i, want := range c.want {
			if r.waits[i] != want {
				t.Errorf("%s: step %d may take %v, want %v", name, i, r.waits[i], want)
			}
		}
	}
	if commandTimeout != 5*time.Minute || dataTimeout != 2*time.Minute || endTimeout != 10*time.Minute {
		t.Error("these are not the times of RFC 5321")
	}
}
