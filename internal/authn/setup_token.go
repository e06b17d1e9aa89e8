package authn

// ErrWrongStage is the error for input to a wizard that is at another stage, or for
// input already accepted, as from a second click: nothing is compared or counted.
var ErrWrongStage = ErrAttemptGone()
