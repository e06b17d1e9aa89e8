package main

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"countersign/internal/mtatest"
)

// resolver runs a name server on loopback with one zone until the test ends.
func resolver(t *testing.T, zone map[string]string) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		for {
			question := make([]byte, 1500)
			n, from, err := c.ReadFrom(question)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(question[:n]); err != nil || len(m.Questions) != 1 {
				continue
			}
			m.Response, m.Additionals = true, nil
			text, ok := zone[strings.TrimSuffix(m.Questions[0].Name.String(), ".")]
			if ok {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: dnsmessage.TypeTXT, Class: dnsmessage.ClassINET},
					Body: &dnsmessage.TXTResource{TXT: []string{text}}}}
			} else {
				m.RCode = dnsmessage.RCodeNameError
			}
			answer, err := m.Pack()
			if err != nil {
				continue
			}
			_, _ = c.WriteTo(answer, from)
		}
	}()
	return c.LocalAddr().String()
}

// doctor checks the mail server and the sender's domain, prints the missing records, and ends with
// 1 if tokens would not arrive.
func TestDoctor(t *testing.T) {
	m, dir := mtatest.Start(t), t.TempDir()
	dns := resolver(t, map[string]string{"acme.example": "v=spf1 ip4:127.0.0.1 -all", "_dmarc.acme.example": "v=DMARC1; p=reject"})
	args := func(more ...string) []string {
		return append([]string{"--smtp-url", m.URL(), "--mail-from", "Agency Support <support@acme.example>"}, more...)
	}
	out, problems, status := command(t, dir, args("doctor", "--resolver", dns)...)
	if status != 0 || !strings.Contains(out, "takes our login") || !strings.Contains(out, "SPF of acme.example: v=spf1 ip4:127.0.0.1 -all") || !strings.Contains(out, "message dkim --new") {
		t.Fatalf("%d %s %s", status, out, problems)
	}
	for _, act := range []string{"--new", "--sign=cs1-main"} {
		if out, problems, status := command(t, dir, args("message", "dkim", act)...); status != 0 {
			t.Fatalf("%d %s %s", status, out, problems)
		}
	}
	out, _, status = command(t, dir, args("doctor", "--resolver", dns, "--json")...)
	var all []findingJSON
	if err := json.Unmarshal([]byte(out), &all); err != nil || status != 1 {
		t.Fatalf("a signature without a DNS record: %d %v %s", status, err, out)
	}
	for _, f := range all {
		if strings.HasPrefix(f.Subject, "DKIM") && (f.Level != "fatal" || !strings.Contains(f.Fix, `cs1-main._domainkey.acme.example. TXT "v=DKIM1; k=rsa; p=`)) {
			t.Errorf("%+v", f)
		}
	}
	if _, problems, status := command(t, dir, "doctor"); status != 1 || !strings.Contains(problems, "something needs to be fixed") {
		t.Errorf("no mail server: %d %s", status, problems)
	}
	if _, problems, status := command(t, dir, args("doctor", "--resolver", "nowhere")...); status != 2 || !strings.Contains(problems, "--resolver") {
		t.Errorf("no resolver: %d %s", status, problems)
	}
}

// doctor checks the domain of each agency's own sender. An invalid sender is refused before it can
// stop mail.
func TestDoctorLooksAtEachSender(t *testing.T) {
	m, dir := mtatest.Start(t), t.TempDir()
	dns := resolver(t, map[string]string{"acme.example": "v=spf1 ip4:127.0.0.1 -all", "_dmarc.acme.example": "v=DMARC1; p=reject"})
	add := func(from string) (string, int) {
		_, problems, status := command(t, dir, "agency", "add", "--code", "OTHER", "--name", "Other", "--host", "login.other.example", "--from", from)
		return problems, status
	}
	for _, from := range []string{"nobody", "A <a@other.example>, B <b@other.example>", "Other <post@other>"} {
		if problems, status := add(from); status == 0 || !strings.Contains(problems, "This is not a sender.") {
			t.Errorf("%q: %d %s", from, status, problems)
		}
	}
	if problems, status := add("Other <post@other.example>"); status != 0 {
		t.Fatalf("%d %s", status, problems)
	}
	out, problems, _ := command(t, dir, "doctor", "--smtp-url", m.URL(), "--mail-from", "Agency Support <support@acme.example>", "--resolver", dns)
	for _, says := range []string{"MAIN: SPF of acme.example: v=spf1", "OTHER: SPF of other.example: no record", "OTHER: DMARC of other.example: no record", "message dkim --agency OTHER --new"} {
		if !strings.Contains(out, says) {
			t.Errorf("it does not say %q:\n%s%s", says, out, problems)
		}
	}
}
