package web

import (
	"cmp"
	"countersign/internal/authn"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"countersign"
)

// A messageTestPage is the form for a test message.
type messageTestPage struct {
	base
	To    string
	Texts bool // a text gateway is set up

	Result *testResult // of the test that was sent; nil: none
}

func (s *Server) messageTest(v countersign.Visit, g authn.Principal, to string) messageTestPage {
	return messageTestPage{base: s.console(v, g, "Send a test", "admin-messages-test"), To: to, Texts: s.Admin.Methods.Of(countersign.MethodSMS) != nil}
}

func (s *Server) getMessageTest(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	if err := s.Admin.MayOpen(r.Context(), v, g.Actor(), countersign.RightMessages); err != nil {
		return err
	}
	p := s.messageTest(v, g, g.User.Email)
	if id := r.URL.Query().Get("sent"); id != "" {
		row, err := s.Admin.Message(r.Context(), v, g.Actor(), countersign.MessageID(id))
		if err != nil || row.Kind != countersign.MessageTest {
			return cmp.Or(err, error(&countersign.Error{Kind: countersign.KindNotFound, Code: "message.unknown"}))
		}
		p.To, p.Result = row.To, s.resultOf(p.base, row.Message)
		if p.Result.Open {
			w.Header().Set("Refresh", "2")
		}
	}
	return s.show(w, http.StatusOK, "console_message-test", p)
}

func (s *Server) postMessageTest(w http.ResponseWriter, r *http.Request, v countersign.Visit, g authn.Principal) error {
	to := r.PostForm.Get("to")
	id, err := s.Admin.SendTest(r.Context(), v, g.Actor(), to)
	if err == nil {
		http.Redirect(w, r, "/admin/messages/test?sent="+url.QueryEscape(string(id)), http.StatusSeeOther)
		return nil
	}
	kind := countersign.KindOf(err)
	if kind != countersign.KindInvalid && kind != countersign.KindTooMany {
		return err
	}
	p := s.messageTest(v, g, to)
	p.refuse(err)
	status := http.StatusUnprocessableEntity
	if kind == countersign.KindTooMany {
		status = http.StatusTooManyRequests
	}
	return s.show(w, status, "console_message-test", p)
}

// A testResult is the result of a test, step by step.
type testResult struct {
	ID      countersign.MessageID
	At      time.Time
	Open    bool // results are incomplete: the page reloads
	Again   bool // a try failed, and the test waits
	Late    bool // it still waits, and the page no longer reloads
	Over    bool // the time to send it has passed
	Until   time.Time
	Steps   []testStep
	Records []string // missing in the DNS
}

// A testStep is one step of a test's delivery.
type testStep struct{ Name, Text, Fix, Word, Badge string }

// checkedAgain is how long after a test the page waits for the checks of the sender's domain.
const checkedAgain = 45 * time.Second

func (s *Server) resultOf(b base, m countersign.Message) *testResult {
	if s.noRoute(m) {
		return &testResult{ID: m.ID, At: m.Created, Steps: []testStep{noRouteStep(m, b.Now)}}
	}
	r := &testResult{ID: m.ID, At: m.Created, Until: m.Expires, Open: waits(m) && b.Now.Sub(m.Created) < checkAgainAfter}
	if !m.Done.IsZero() {
		r.At = m.Done
	}
	if m.Channel == countersign.ChannelEmail && m.Findings == nil && (!waits(m) || failed(m)) && b.Now.Sub(r.At) < checkedAgain {
		r.Open = true
	}
	taken := false
	for _, f := range m.Findings {
		if domain := strings.Contains(f.Subject, " of "); domain && !taken { // the server's answer comes before the domain's problems
			r.Steps, taken = append(r.Steps, takenStep(m)), true
		}
		r.Steps = append(r.Steps, stepOf(f))
		if f.Record != "" {
			r.Records = append(r.Records, f.Record)
		}
	}
	if !taken {
		r.Steps = append(r.Steps, takenStep(m))
	}
	r.Again = waits(m) && failed(m)
	r.Late = waits(m) && !r.Open
	r.Over = r.Late && expired(m, b.Now)
	return r
}

// takenStep is the step in which the server or gateway accepts the message, with its answer.
func takenStep(m countersign.Message) testStep {
	s := testStep{Name: "Accepted"}
	known := messageStates[m.State]
	s.Word, s.Badge = known[0], known[1]
	switch {
	case m.State == countersign.StateSent:
		s.Word = "Good"
		s.Text = fmt.Sprintf("By %s, after %s", m.Server, tookText(m.Done.Sub(m.Created)))
		if isQuotable(m) {
			s.Text = fmt.Sprintf("By %s, which said \"%s\", after %s", m.Server, m.Answer, tookText(m.Done.Sub(m.Created)))
		}
	case m.State == countersign.StateDropped:
		s.Text = "It did not go out in time"
	case m.Answer != "":
		s.Text = deliveryAnswer(m)
	case m.State == countersign.StateSending:
		s.Name, s.Text = waitingFor(m), "It has not answered yet"
	default:
		s.Name, s.Text = waitingFor(m), "On its way"
	}
	return s
}

func stepOf(f countersign.Finding) testStep {
	s := testStep{Name: f.Subject, Text: opening(f.Text), Fix: f.Fix, Word: "Good", Badge: "badge-done"}
	switch {
	case f.Level == countersign.LevelFatal:
		s.Word, s.Badge = "Not right", "badge-danger"
	case f.Level == countersign.LevelWarn && f.Record != "":
		s.Word, s.Badge = "Missing", "badge-warn"
	case f.Level == countersign.LevelWarn:
		s.Word, s.Badge = "Could be better", "badge-warn"
	}
	if f.Record != "" {
		s.Fix = "" // shown below, to be copied
	}
	return s
}

// opening capitalizes the first letter of a finding, unless it begins with a record.
func opening(text string) string {
	if strings.Contains(strings.SplitN(text, " ", 2)[0], "=") {
		return text
	}
	return upperFirst(text)
}
