package countersign

import (
	"errors"
	"fmt"
	"slices"
)

// An ErrorKind decides the HTTP status of the response.
type ErrorKind int

// The kinds of errors.
const (
	KindInternal       ErrorKind = iota // anything unexpected: logged, never shown
	KindInvalid                         // the input is not valid: 422
	KindDenied                          // a right is missing, or a rule forbids it: 403
	SignedOut                           // no session: to the sign-in page
	KindNotFound                        // no such thing, or another agency's: 404
	KindConflict                        // someone else changed or took it first: 409
	KindTooMany                         // wait: 429
	KindGone                            // the attempt or link is over: 410
	KindUnavailable                     // can't be decided at present: 503
	KindStepUpRequired                  // a step-up is needed first
)

// Args fill the placeholders of an error's text.
type Args map[string]any

// An Error is an error shown to people. Its Code is stable; its text is in the
// catalog of package web.
type Error struct {
	Kind  ErrorKind
	Code  string
	Field string // the form field it belongs to; empty: none
	Args  Args
	Err   error // the cause, for the log
}

func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Code, e.Err)
	}
	return e.Code
}

func (e *Error) Unwrap() error { return e.Err }

// Problem returns an error for people: its kind, the code of its sentence, the form
// field that it belongs to (empty: none) and what fills the sentence.
func Problem(kind ErrorKind, code, field string, args Args) error {
	return &Error{Kind: kind, Code: code, Field: field, Args: args}
}

// KindOf returns the kind of err; KindInternal unless it is an *Error.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return KindInternal
}

// CodeOf returns the code of err; empty unless it is an *Error.
func CodeOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Includes reports whether err is, wraps or joins an error of this kind.
func Includes(err error, kind ErrorKind) bool {
	return slices.ContainsFunc(Problems(err), func(e *Error) bool { return e.Kind == kind })
}

// Problems returns the errors for people in err, in order: err itself, what it wraps,
// and what it joins. Everything else in err is for the log only.
func Problems(err error) []*Error {
	switch e := err.(type) {
	case nil:
		return nil
	case *Error:
		return []*Error{e}
	case interface{ Unwrap() []error }:
		var all []*Error
		for _, one := range e.Unwrap() {
			all = append(all, Problems(one)...)
		}
		return all
	default:
		return Problems(errors.Unwrap(err))
	}
}
