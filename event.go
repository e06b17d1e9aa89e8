package countersign

import "time"

// An Event is one row of the audit log (AU-01). It is written in the transaction of the
// change that it records, and never changed.
type Event struct {
	Seq     int64 // 1, 2, 3 … within the agency
	At      time.Time
	Action  string // from the catalog: "sign-in.completed"
	Actor   string // login, "operator", or empty if no one is known yet
	Subject string // login, preference code, … that it was done to
	Method  string
	Result  string // "ok" or "refused"
	Reason  string // typed by a person, or a code
	Client  Client
	Request string
	Detail  map[string]string
}

// Event returns an audit row about u, successful, with the facts of the visit.
func (v Visit) Event(action string, u User) Event {
	return Event{At: v.Now, Action: action, Actor: u.Login, Subject: u.Login, Client: v.Client, Request: v.Request}
}

// RefusedEvent returns an audit row about u for what was refused; code says why.
func (v Visit) RefusedEvent(action string, u User, code string) Event {
	e := v.Event(action, u)
	e.Result, e.Reason = "refused", code
	return e
}
