package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"countersign"
	"countersign/internal/authn"
	"countersign/internal/policy"
)

// unknownWait is told where nobody can say when it is worth to try again.
const unknownWait = time.Hour

// retryAfter tells programs when to come back: whole seconds, rounded up, from
// the error that the page tells people of (TH-03).
func retryAfter(w http.ResponseWriter, now time.Time, err error) {
	wait := unknownWait
	var e *countersign.Error
	if errors.As(err, &e) {
		if until, ok := e.Args["Until"].(time.Time); ok && until.After(now) {
			wait = until.Sub(now)
		}
	}
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
}

// retryIf is retryAfter for a page that is shown again for one reason or another.
func retryIf(w http.ResponseWriter, status int, now time.Time, err error) {
	if status == http.StatusTooManyRequests {
		retryAfter(w, now, err)
	}
}

// limitedAtSignIn is the answer of the sign-in page to a try that is not taken now.
// It says the same for every user ID, whether somebody has it or not (EN-01).
func (s *Server) limitedAtSignIn(w http.ResponseWriter, v countersign.Visit, p signInPage, err error) error {
	if isStopped(err) {
		return s.locked(w, http.StatusTooManyRequests, v, tokenPage{base: p.base}, err)
	}
	p.refuse(err)
	p.Alert.Kind = "danger"
	retryAfter(w, v.Now, err)
	return s.show(w, http.StatusTooManyRequests, "gate_sign-in", p)
}

// A lockedPage says that no token is taken from this user for a long time, and
// what works meanwhile.
type lockedPage struct {
	tokenPage
	Head string
}

// isStopped tells whether an error is one of that page.
func isStopped(err error) bool {
	code := countersign.CodeOf(err)
	return code == policy.DecisionStopped || code == policy.DecisionUnbound
}

func (s *Server) locked(w http.ResponseWriter, status int, v countersign.Visit, p tokenPage, err error) error {
	p.refuse(err)
	p.Alert.Kind = "danger"
	page := lockedPage{tokenPage: p, Head: sentences["head."+countersign.CodeOf(err)]}
	page.Title = "Sign in"
	retryAfter(w, v.Now, err)
	return s.show(w, status, "gate_token-stopped", page)
}

// pause is why the method that a page asks for takes no token now, as an error
// for people; nil if it does.
func pause(view authn.View) error {
	p := view.Pause
	if p.Code == "" {
		return nil
	}
	return &countersign.Error{Kind: countersign.KindTooMany, Code: p.Code, Args: countersign.Args{"Until": p.Until}}
}
