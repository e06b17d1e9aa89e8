package smpp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"countersign/internal/mtatest"
)

// Each failure of another implementation of a message center has the same outcome over TCP and
// TLS, and the next message finds a connection.
func TestAForeignCenterOnItsBadDays(t *testing.T) {
	for name, secure := range map[string]bool{"TCP": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := mtatest.StartNodeCenter(t, secure)
			for _, tt := range []struct {
				what, digits string
				status       Status // 0: none
				unsure       bool
			}{
				{"takes it", "50", 0, false},
				{"answer and receipt in one piece", "10", 0, false},
				{"receipt before the answer", "11", 0, false},
				{"too many", "20", Throttled, false},
				{"queue full", "21", QueueFull, false},
				{"no such number", "22", BadDestination, false},
				{"never answers", "30", 0, true},
				{"link cut before the answer", "31", 0, true},
				{"link cut after the answer", "32", 0, false},
				{"good-bye instead of an answer", "33", 0, true},
				{"good-bye after the answer", "34", 0, false},
				{"asks whether the link lives", "35", 0, false},
				{"half a unit", "36", 0, true},
				{"absurd length", "37", 0, true},
				{"answer after three seconds", "38", 0, false},
			} {
				t.Run(tt.what, func(t *testing.T) {
					t.Parallel()
					cl := foreignClient(t, c)
					m := token
					m.To = "+161455501" + tt.digits
					if tt.digits != "38" {
						cl.Timeout = time.Second
					}
					id, err := cl.Submit(t.Context(), m)
					var status Status
					errors.As(err, &status)
					if status != tt.status || Unsure(err) != tt.unsure || (err == nil) != (id != "") {
						t.Errorf("got %q %v", id, err)
					}
					if l, _ := cl.current(); tt.digits == "34" && l != nil {
						<-l.gone // a message that crosses its unbind has no answer either
					}
					m.To = "+16145550150"
					if id, err := cl.Submit(t.Context(), m); err != nil || id == "" {
						t.Errorf("the next message: %q %v", id, err)
					}
				})
			}
		})
	}
}

func foreignClient(t *testing.T, c *mtatest.NodeCenter) *Client {
	t.Helper()
	cl := &Client{Settings: Settings{Address: c.Address, User: "cs", Password: "secret", Timeout: 10 * time.Second}}
	if c.Authority != "" {
		pem, err := os.ReadFile(c.Authority)
		if err != nil {
			t.Fatal(err)
		}
		cl.TLS = &tls.Config{RootCAs: x509.NewCertPool(), ServerName: "127.0.0.1", MinVersion: tls.VersionTLS12}
		cl.TLS.RootCAs.AppendCertsFromPEM(pem)
	}
	t.Cleanup(cl.Close)
	return cl
}

// The same texts, sent by this client and by Kannel, reach another message center alike:
// alphabet, parts, and every octet except the number that joins the parts.
func TestTextsAreThoseThatKannelSends(t *testing.T) {
	t.Parallel()
	c := mtatest.StartCenter(t)
	kannel := mtatest.StartKannel(t, c.Address)
	cl := &Client{Settings: Settings{Address: c.Address, User: "cs", Password: "secret", Timeout: 10 * time.Second}}
	t.Cleanup(cl.Close)
	texts := []string{
		token.Text,
		"Grüße @ [£5] {a} ~ \\ ^ | €",
		strings.Repeat("0123456789", 16),
		strings.Repeat("0123456789", 17) + "[end]",
		"Ваш токен 344078.",
		strings.Repeat("Токен ", 30),
		"Your token 🔑 is 344078.",
	}
	parts := 0
	for _, text := range texts {
		pieces, _ := split(text, 1)
		parts += len(pieces)
		m := token
		m.Text, m.To = text, "+16145550161"
		if _, err := cl.Submit(t.Context(), m); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		kannel.Send(t, "+16145550100", "+16145550162", text, !Plain(text))
		c.Wait(t, "text", 2*parts) // one text after the other: the parts of two could be mixed
	}
	sent := map[string][]string{}
	for _, line := range c.Wait(t, "text", 2*parts) {
		f := strings.Fields(line) // text, sender, number, coding, class, octets
		sent[f[2]] = append(sent[f[2]], part(f))
	}
	ours, theirs := sent["16145550161"], sent["16145550162"]
	if !slices.Equal(ours, theirs) {
		t.Errorf("we sent\n%s\nKannel sent\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
}

// part returns one part without what may differ: the number that joins the parts, and how the
// center is asked to store it.
func part(f []string) string {
	octets := f[5]
	if strings.HasPrefix(octets, "050003") {
		octets = octets[:6] + octets[8:]
	}
	return f[3] + " " + octets
}

// There is one receipt for each state of a message, whenever and however often the center
// sends it, over whichever connection is live.
func TestReceiptsOfAForeignCenter(t *testing.T) {
	t.Parallel()
	c := mtatest.StartNodeCenter(t, false)
	var mu sync.Mutex
	told := map[string][]string{}
	cl := foreignClient(t, c)
	cl.Received = func(r Receipt) {
		mu.Lock()
		defer mu.Unlock()
		for _, id := range r.IDs {
			told[id] = append(told[id], r.State)
		}
	}
	for digits, want := range map[string]string{"10": "DELIVRD", "11": "DELIVRD", "12": "DELIVRD DELIVRD", "13": "DELIVRD", "14": "DELIVRD", "15": "UNDELIV", "16": "UNDELIV DELIVRD",
		"32": "DELIVRD", "34": "DELIVRD", "35": "DELIVRD"} {
		m := token
		m.To = "+161455501" + digits
		id, err := cl.Submit(t.Context(), m)
		if err != nil {
			t.Fatalf("%s: %v", digits, err)
		}
		got := func() string {
			mu.Lock()
			defer mu.Unlock()
			return strings.Join(told[id], " ")
		}
		for end := time.Now().Add(3 * time.Minute); got() != want; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: told %q of %s, want %q", digits, got(), id, want)
			}
			_ = cl.Check(t.Context()) // connects if there is no connection
		}
	}
}
