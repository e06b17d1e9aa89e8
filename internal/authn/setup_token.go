package authn

// ErrWrongStage is over for what came to a wizard at another stage, or was taken
// before, as from a second click: nothing is compared, and no try is paid for.
var ErrWrongStage = ErrAttemptGone()
