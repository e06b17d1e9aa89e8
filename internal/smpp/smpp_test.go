package smpp

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
)

// A center is the other side: it answers each submit_sm as the test says.
type center struct {
	t      *testing.T
	listen net.Listener
	answer func(c *session, p pdu, m sent)

	mu    sync.Mutex
	binds int
	asked int // enquire_links
	all   []sent
}

// A session is one connection of a center.
type session struct {
	*center
	net.Conn
}

// A sent message as it was received.
type sent struct {
	from, to, validity string
	ton, class, coding int
	wantsReceipt       int
	text               []byte
}

func newCenter(t *testing.T, answer func(c *session, p pdu, m sent), wrap ...func(net.Listener) net.Listener) *center {
	t.Helper()
	return newCenterAt(t, "127.0.0.1:0", answer, wrap...)
}

func newCenterAt(t *testing.T, address string, answer func(c *session, p pdu, m sent), wrap ...func(net.Listener) net.Listener) *center {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range wrap {
		l = w(l)
	}
	c := &center{t: t, listen: l, answer: answer}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { c.serve(&session{c, conn}) })
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	return c
}

func (c *center) serve(s *session) {
	defer s.Close()
	for {
		p, err := readPDU(s)
		if err != nil {
			return
		}
		switch p.command {
		case bindTransceiver:
			r := reader{bytes: p.body}
			user, password := r.text(), r.text()
			c.mu.Lock()
			c.binds++
			c.mu.Unlock()
			if user != "cs" || password != "secret" {
				s.say(pdu{command: bindTransceiverResp, status: BindFailed, sequence: p.sequence})
				return
			}
			s.say(pdu{command: bindTransceiverResp, sequence: p.sequence, body: []byte("CENTER\x00")})
		case submitSM:
			m := sentOf(p.body)
			c.mu.Lock()
			c.all = append(c.all, m)
			answer := c.answer
			c.mu.Unlock()
			answer(s, p, m)
		case enquireLink:
			c.mu.Lock()
			c.asked++
			c.mu.Unlock()
			s.say(pdu{command: enquireLinkResp, sequence: p.sequence})
		case unbind:
			s.say(pdu{command: unbindResp, sequence: p.sequence})
			return
		}
	}
}

func (s *session) say(p pdu) { _, _ = s.Write(p.bytes()) }

func (s *session) take(p pdu, id string) {
	s.say(pdu{command: submitSMResp, sequence: p.sequence, body: append([]byte(id), 0)})
}

func (s *session) refuse(p pdu, status Status) {
	s.say(pdu{command: submitSMResp, status: status, sequence: p.sequence, body: []byte{0}})
}

func sentOf(body []byte) sent {
	var m sent
	r := reader{bytes: body}
	r.text()
	m.ton = r.octet()
	r.octet()
	m.from = r.text()
	r.take(2)
	m.to = r.text()
	m.class = r.octet()
	r.take(2)
	r.text()
	m.validity = r.text()
	m.wantsReceipt = r.octet()
	r.octet()
	m.coding = r.octet()
	r.octet()
	m.text = bytes.Clone(r.take(r.octet()))
	return m
}

func client(c *center) *Client {
	s := Settings{Address: c.listen.Addr().String(), User: "cs", Password: "secret", Timeout: 2 * time.Second}
	return &Client{Settings: s}
}

var token = Message{From: "+16145550100", To: "+16145550112", Text: "Your token is 344078.\n@login.acme.example #344078", Life: 2 * time.Minute}

func TestSubmit(t *testing.T) {
	c := newCenter(t, func(s *session, p pdu, _ sent) { s.take(p, "a1") })
	cl := client(c)
	defer cl.Close()
	id, err := cl.Submit(t.Context(), token)
	if err != nil || id != "a1" {
		t.Fatalf("%q %v", id, err)
	}
	want := sent{from: "16145550100", to: "16145550112", validity: "000000000200000R", ton: 1, wantsReceipt: 1}
	got := c.all[0]
	text := got.text
	got.text = nil
	if got.from != want.from || got.to != want.to || got.validity != want.validity || got.ton != 1 || got.wantsReceipt != 1 || got.coding != 0 || got.class != 0 {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !bytes.Contains(text, []byte("\x00login.acme.example #344078")) { // @ is the alphabet's first character
		t.Errorf("text %q", text)
	}
	if _, err := cl.Submit(t.Context(), token); err != nil || c.binds != 1 {
		t.Errorf("%v, bound %d times", err, c.binds)
	}
}

// Only a refusal proves that the message was not accepted; a missing answer does not.
func TestAnswers(t *testing.T) {
	for name, tt := range map[string]struct {
		answer func(s *session, p pdu, m sent)
		status Status
		unsure bool
	}{
		"too many":       {func(s *session, p pdu, _ sent) { s.refuse(p, Throttled) }, Throttled, false},
		"queue full":     {func(s *session, p pdu, _ sent) { s.refuse(p, QueueFull) }, QueueFull, false},
		"no such number": {func(s *session, p pdu, _ sent) { s.refuse(p, BadDestination) }, BadDestination, false},
		"not understood": {func(s *session, p pdu, _ sent) { s.say(pdu{command: genericNack, status: 3, sequence: p.sequence}) }, 3, false},
		"never":          {func(*session, pdu, sent) {}, 0, true},
		"link dies":      {func(s *session, _ pdu, _ sent) { _ = s.Close() }, 0, true},
		"says good-bye":  {func(s *session, _ pdu, _ sent) { s.say(pdu{command: unbind, sequence: 9}) }, 0, true},
		"half a unit":    {func(s *session, _ pdu, _ sent) { _, _ = s.Write([]byte{0, 0, 0, 20, 0x80}) }, 0, true},
		"nonsense":       {func(s *session, _ pdu, _ sent) { _, _ = s.Write(bytes.Repeat([]byte{0xff}, 40)) }, 0, true},
		"another's answer": {func(s *session, p pdu, _ sent) {
			s.say(pdu{command: submitSMResp, sequence: p.sequence + 7, body: []byte("x\x00")})
		}, 0, true},
		"asks in between": {func(s *session, p pdu, _ sent) {
			s.say(pdu{command: enquireLink, sequence: 5})
			s.refuse(p, Throttled)
		}, Throttled, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t, tt.answer)
			cl := client(c)
			defer cl.Close()
			_, err := cl.Submit(t.Context(), token)
			var status Status
			if errors.As(err, &status); status != tt.status || Unsure(err) != tt.unsure || err == nil {
				t.Errorf("got %v", err)
			}
			c.mu.Lock()
			c.answer = func(s *session, p pdu, _ sent) { s.take(p, "later") }
			c.mu.Unlock()
			if id, err := cl.Submit(t.Context(), token); err != nil || id != "later" {
				t.Errorf("the next message: %q %v", id, err)
			}
		})
	}
}

func TestLogin(t *testing.T) {
	c := newCenter(t, nil)
	cl := client(c)
	cl.Password = "wrong"
	var status Status
	if err := cl.Check(t.Context()); !errors.As(err, &status) || status != BindFailed {
		t.Errorf("a wrong password: %v", err)
	}
	c.listen.Close()
	if _, err := cl.Submit(t.Context(), token); err == nil || Unsure(err) {
		t.Errorf("nobody is there: %v", err)
	}
}

// Run checks whether the connection is alive, makes a new one when it ends, and passes on
// receipts, including those for messages of an earlier connection.
func TestRun(t *testing.T) {
	told := make(chan Receipt, 10)
	receipt := func(s *session, text string, parameters ...byte) {
		body := append([]byte("\x00\x01\x0116145550112\x00\x01\x0116145550100\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00"), byte(len(text)))
		s.say(pdu{command: deliverSM, sequence: 77, body: append(append(body, text...), parameters...)})
	}
	c := newCenter(t, func(s *session, p pdu, _ sent) {
		s.take(p, "a1")
		receipt(s, "id:a1 sub:001 dlvrd:001 submit date:2611101200 done date:2611101200 stat:DELIVRD err:000 text:")
		_ = s.Close()
	})
	cl := client(c)
	cl.Timeout = 200 * time.Millisecond
	cl.Received = func(r Receipt) { told <- r }
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var running sync.WaitGroup
	running.Go(func() { _ = cl.Run(ctx) })
	if _, err := cl.Submit(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if r := <-told; !r.Delivered || !r.Final || r.IDs[0] != "a1" {
		t.Errorf("%+v", r)
	}
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		c.mu.Lock()
		binds, asked := c.binds, c.asked
		c.mu.Unlock()
		if binds > 1 && asked > 0 {
			stop()
			running.Wait()
			return
		}
	}
	t.Errorf("bound %d times, asked %d times", c.binds, c.asked)
}

func TestReceipts(t *testing.T) {
	body := func(class byte, text string, parameters string) []byte {
		return []byte("\x00\x01\x011\x00\x01\x012\x00" + string([]byte{class}) + "\x00\x00\x00\x00\x00\x00\x00\x00" + string([]byte{byte(len(text))}) + text + parameters)
	}
	for name, tt := range map[string]struct {
		body             []byte
		id, state        string
		delivered, final bool
	}{
		"text":          {body(4, "id:17 stat:DELIVRD err:000", ""), "17", "DELIVRD", true, true},
		"parameter":     {body(4, "id:wrong stat:UNDELIV", "\x00\x1e\x00\x03ab\x00\x04\x27\x00\x01\x05"), "ab", "UNDELIV", false, true},
		"on its way":    {body(4, "id:17 stat:ENROUTE", ""), "17", "ENROUTE", false, false},
		"expired":       {body(4, "id:17 stat:expired", ""), "17", "EXPIRED", false, true},
		"cut parameter": {body(4, "id:17 stat:REJECTD", "\x04\x27\x00\x09"), "17", "REJECTD", false, true},
	} {
		got, ok := receiptOf(tt.body)
		if !ok || got.IDs[0] != tt.id || got.State != tt.state || got.Delivered != tt.delivered || got.Final != tt.final {
			t.Errorf("%s: %v %+v", name, ok, got)
		}
	}
	if _, ok := receiptOf(body(0, "id:17 stat:DELIVRD", "")); ok {
		t.Error("somebody's text is taken for a receipt")
	}
	if got := spellings("255"); !strings.Contains(strings.Join(got, " "), "ff FF") {
		t.Errorf("spellings %q", got)
	}
}

// A long text is split without losing anything or splitting a character.
func TestLongTexts(t *testing.T) {
	for name, text := range map[string]string{
		"one":            strings.Repeat("a", 160),
		"two":            strings.Repeat("a", 161),
		"brackets":       strings.Repeat("[", 160),
		"another script": strings.Repeat("ж", 71),
		"pairs":          strings.Repeat("😀", 100),
	} {
		parts, coding := split(text, 7)
		var all []byte
		for i, p := range parts {
			if len(parts) > 1 {
				if want := []byte{5, 0, 3, 7, byte(len(parts)), byte(i + 1)}; !bytes.Equal(p[:6], want) {
					t.Errorf("%s: part %d begins with %v", name, i, p[:6])
				}
				p = p[6:]
			}
			if len(p)+6 > 160 && len(parts) > 1 || coding == codingUCS2 && len(p) > 140 {
				t.Errorf("%s: part %d has %d octets", name, i, len(p))
			}
			all = append(all, p...)
		}
		filled, room := Measure(text)
		if back := decode(all, coding); back != text || (filled <= room) != (len(parts) == 1) || Parts(text) != len(parts) {
			t.Errorf("%s came back as %q in %d parts", name, back, len(parts))
		}
	}
}

// decode is the inverse of gsm and ucs2.
func decode(all []byte, coding int) string {
	if coding == codingUCS2 {
		var units []uint16
		for i := 0; i+1 < len(all); i += 2 {
			units = append(units, uint16(all[i])<<8|uint16(all[i+1]))
		}
		return string(utf16.Decode(units))
	}
	letters := []rune(basic)
	back := map[byte]rune{}
	for r, code := range extension {
		back[code] = r
	}
	var text strings.Builder
	for i := 0; i < len(all); i++ {
		if all[i] == escape {
			i++
			text.WriteRune(back[all[i]])
			continue
		}
		text.WriteRune(letters[all[i]])
	}
	return text.String()
}

func TestAlphabet(t *testing.T) {
	if n := len([]rune(basic)); n != 128 {
		t.Fatalf("the alphabet has %d letters", n)
	}
	for r, want := range map[rune]byte{'@': 0, '$': 2, '\n': 10, '_': 17, ' ': 32, '#': 35, '0': 48, 'A': 65, 'a': 97, 'à': 127, '¿': 96, 'Ä': 91} {
		if codes[r] != want {
			t.Errorf("%q has the code %d, want %d", r, codes[r], want)
		}
	}
	if basic[0] != '@' || []rune(basic)[escape] != escape {
		t.Error("the escape is in the wrong place")
	}
}

// No PDU, however malformed, crashes the program.
func FuzzDeliver(f *testing.F) {
	f.Add([]byte("\x00\x01\x011\x00\x01\x012\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x05id:17"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, ok := receiptOf(body)
		if ok && len(r.IDs) == 0 {
			t.Error("a receipt without a name")
		}
		if p, err := readPDU(bytes.NewReader(body)); err == nil && len(p.body) > maxPDU {
			t.Error("too long")
		}
	})
}

// Over TLS everything works the same, and only with a valid certificate.
func TestOverTLS(t *testing.T) {
	lent := httptest.NewTLSServer(http.NotFoundHandler()) // it has a certificate for example.com
	defer lent.Close()
	roots := x509.NewCertPool()
	roots.AddCert(lent.Certificate())
	c := newCenter(t, func(s *session, p pdu, _ sent) { s.take(p, "a1") }, func(l net.Listener) net.Listener {
		return tls.NewListener(l, &tls.Config{Certificates: lent.TLS.Certificates, MinVersion: tls.VersionTLS12})
	})
	for name, right := range map[string]bool{"example.com": true, "gateway.example": false} {
		cl := client(c)
		cl.TLS = &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS12}
		id, err := cl.Submit(t.Context(), token)
		var wrong *tls.CertificateVerificationError
		if right && (err != nil || id != "a1") || !right && (!errors.As(err, &wrong) || Unsure(err)) {
			t.Errorf("%s: %q %v", name, id, err)
		}
		cl.Close()
	}
}
