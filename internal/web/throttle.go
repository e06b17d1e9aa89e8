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

// unknownWait is the Retry-After value if nothing says when to try again.
const unknownWait = time.Hour

// retryAfter sets Retry-After to the time the page shows: whole seconds, rounded up, from the error
// (TH-03).
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

// retryIf calls retryAfter for a page that may be shown again for other reasons too.
func retryIf(w http.ResponseWriter, status int, now time.Time, err error) {
	if status == http.StatusTooManyRequests {
		retryAfter(w, now, err)
	}
}

// limitedAtSignIn answers a sign-in that a limit rejects. The answer is the same for every user ID,
// whether it exists or not (EN-01).
func (s *Server) limitedAtSignIn(w http.ResponseWriter, v countersign.Visit, p signInPage, err error) error {
	if isStopped(err) {
		return s.locked(w, http.StatusTooManyRequests, v, tokenPage{base: p.base}, err)
	}
	p.refuse(err)
	p.Alert.Kind = "danger"
	retryAfter(w, v.Now, err)
	return s.show(w, http.StatusTooManyRequests, "gate_sign-in", p)
}

// A lockedPage says that no token of this user is accepted for a long time, and what still works.
type lockedPage struct {
	tokenPage
	Head string
}

// isStopped reports whether an error leads to that page.
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

// pause returns why the page's method accepts no token now, as an error for people, or nil if it
// does.
func pause(view authn.View) error {
	p := view.Pause
	if p.Code == "" {
		return nil
	}
	return &countersign.Error{Kind: countersign.KindTooMany, Code: p.Code, Args: countersign.Args{"Until": p.Until}}
}
