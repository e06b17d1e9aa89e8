package web

import (
	"fmt"
	"net/http"
	"time"

	"countersign"
	"countersign/internal/policy"
	"countersign/internal/signin"
)

// A tokenPage asks for a token: in a sign-in, and in a step-up.
type tokenPage struct {
	base
	View     signin.View
	Act      string // the path that the forms of the page begin with
	Method   countersign.Method
	To       string // where the token went, masked
	From     string
	Delivery delivery
	Why      string
	Unsent   *alert // why no token was sent
	Stale    bool   // the token is over: a new one comes first
	Fallback bool   // "Having trouble? Email me a token"
	Others   []way
	Days     int
	Again    time.Time // until when the page looks again by itself
	Purpose  string    // step-up: what the reader is about to do
	Password bool      // step-up of somebody without a method
}

// A way is a method that may be turned to.
type way struct {
	Method countersign.Method
	Hint   string
}

// A delivery is what became of the message with the token.
type delivery struct {
	State string // "", "waiting", "delayed", "sent", "refused"
	Text  string
}

// lookAgain is how long a page looks by itself whether a message has gone out.
const lookAgain = 20 * time.Second

// tokenPage gathers the page from a look at the attempt.
func (s *Server) tokenPage(b base, v countersign.Visit, view signin.View, at string) tokenPage {
	p := tokenPage{base: b, View: view, Act: at, From: s.From(v.Agency), Days: view.Preferences.Days}
	p.Title = "Enter your token"
	step, ok := view.Step.(policy.AskToken)
	if !ok {
		_, p.Password = view.Step.(policy.AskPassword)
		return p
	}
	p.Method = step.Factor.Method
	p.To = masked(p.Method, step.Factor.Address)
	p.Stale = step.Stale
	for _, f := range view.Ways {
		if f.Method != p.Method {
			p.Others = append(p.Others, way{f.Method, hint(f)})
			p.Fallback = p.Fallback || f.Method == countersign.Email
		}
	}
	if view.Why.Code != "" {
		p.Why = p.why(view.Why)
	}
	if code := view.Attempt.Unsent; code != "" {
		p.Unsent = alertOf(countersign.TooMany, fill(v.Agency, v.Now, sentences[code], countersign.Args{
			"Until": view.Attempt.UnsentTo, "Seconds": 0, "Reference": view.Attempt.Challenge.Reference, "Expires": view.Attempt.Challenge.Expires}))
	} else if p.Method != countersign.App {
		p.Delivery = s.delivery(p.base, view)
	}
	return p
}

// hint says what choosing a method does.
func hint(f countersign.Factor) string {
	if f.Method == countersign.App {
		return "Type the six digits that your app shows"
	}
	return "Send a token to " + masked(f.Method, f.Address)
}

// delivery says what became of the message, from its row.
func (s *Server) delivery(b base, view signin.View) delivery {
	m := view.Message
	since := b.Now.Sub(m.Created)
	switch {
	case m.ID == "":
		return delivery{}
	case m.State == countersign.Sent:
		return delivery{"sent", fmt.Sprintf("Accepted by %s at %s", m.Server, b.Seconds(m.Done))}
	case m.State == countersign.Refused:
		return delivery{"refused", fmt.Sprintf("%s refused the message to %s at %s: %s", m.Server, masked(view.Attempt.Challenge.Method, m.To), b.Seconds(m.Done), m.Answer)}
	case m.State == countersign.Dropped:
		return delivery{}
	case m.Channel == countersign.ByEmail && !s.Mail() || m.Tries > 0 || since >= lookAgain:
		return delivery{"delayed", fmt.Sprintf("The token with reference %s waits and is sent as soon as it can be; after %s it is not sent at all.", m.Reference, b.Clock(m.Expires))}
	default:
		return delivery{"waiting", fmt.Sprintf("Waiting for the server since %s. This page looks again by itself until %s.", b.Seconds(m.Created), b.Seconds(m.Created.Add(lookAgain)))}
	}
}

// refresh lets the browser look again while a message is queued: at most five
// times, and never once there is something to type (DESIGN 7).
func refresh(w http.ResponseWriter, d delivery) {
	if d.State == "waiting" {
		w.Header().Set("Refresh", "4")
	}
}

// lookToken is the token page of a sign-in; elsewhere the attempt belongs to
// another page, and the browser goes there.
func (s *Server) lookToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) (tokenPage, bool, error) {
	view, err := s.Desk.Look(r.Context(), v)
	if err != nil {
		return tokenPage{}, false, err
	}
	if _, ok := view.Step.(policy.AskToken); !ok {
		http.Redirect(w, r, pageOf(signin.Outcome{Step: view.Step, Stage: view.Stage}), http.StatusSeeOther)
		return tokenPage{}, false, nil
	}
	return s.tokenPage(s.base(v, "", view.Preferences), v, view, "/sign-in"), true, nil
}

func (s *Server) getToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.lookToken(w, r, v)
	if !ok || err != nil {
		return err
	}
	if r.URL.Query().Get("notice") == "token.resent" {
		p.Alert = s.notice(v, "done", &countersign.Error{Code: "token.resent"})
	}
	refresh(w, p.Delivery)
	return s.show(w, http.StatusOK, "gate_token", p)
}

func (s *Server) postToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	out, err := s.Desk.Token(r.Context(), v, r.PostForm.Get("token"), r.PostForm.Get("forget_device") == "yes")
	if err == nil {
		return s.next(w, r, out)
	}
	return s.tokenAgain(w, r, v, err)
}

// tokenAgain shows the token page with what was wrong.
func (s *Server) tokenAgain(w http.ResponseWriter, r *http.Request, v countersign.Visit, err error) error {
	kind := countersign.KindOf(err)
	if kind != countersign.Invalid && kind != countersign.TooMany {
		return err
	}
	p, ok, lerr := s.lookToken(w, r, v)
	if !ok || lerr != nil {
		return lerr
	}
	return s.tokenRefused(w, p, err)
}

func (s *Server) tokenRefused(w http.ResponseWriter, p tokenPage, err error) error {
	p.refuse(err)
	p.Stale = p.Stale && countersign.KindOf(err) == countersign.Invalid
	if countersign.KindOf(err) == countersign.TooMany {
		return s.show(w, http.StatusTooManyRequests, "gate_token", p)
	}
	return s.show(w, http.StatusUnprocessableEntity, "gate_token", p)
}

func (s *Server) postNewToken(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	if _, err := s.Desk.NewToken(r.Context(), v); err != nil {
		return s.tokenAgain(w, r, v, err)
	}
	http.Redirect(w, r, "/sign-in/token?notice=token.resent", http.StatusSeeOther)
	return nil
}

func (s *Server) getOtherWay(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	p, ok, err := s.lookToken(w, r, v)
	if !ok || err != nil {
		return err
	}
	return s.otherWay(w, http.StatusOK, p)
}

func (s *Server) otherWay(w http.ResponseWriter, status int, p tokenPage) error {
	p.Title = "Use another way"
	return s.show(w, status, "gate_other-way", p)
}

func (s *Server) postOtherWay(w http.ResponseWriter, r *http.Request, v countersign.Visit) error {
	_, err := s.Desk.OtherWay(r.Context(), v, countersign.Method(r.PostForm.Get("method")))
	if err == nil {
		http.Redirect(w, r, "/sign-in/token", http.StatusSeeOther)
		return nil
	}
	if countersign.KindOf(err) != countersign.Invalid {
		return err
	}
	p, ok, lerr := s.lookToken(w, r, v)
	if !ok || lerr != nil {
		return lerr
	}
	p.refuse(err)
	return s.otherWay(w, http.StatusUnprocessableEntity, p)
}
