package store

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/secret"
)

// A Kept is what EndAttempts leaves alone.
type Kept struct {
	Attempt countersign.AttemptID // the one that goes on; empty: none does
	Session countersign.SessionID // what was posted after this session had ended, and waits for its user; empty: nothing
}

// EndAttempts ends all attempts of a user but what is kept (D-41).
func (tx *Tx) EndAttempts(ctx context.Context, user countersign.UserID, kept Kept, now time.Time) error {
	return tx.endAttempts(ctx, now, `user_id = $2 AND id <> $3 AND NOT (purpose = $4 AND session_id = $5)`,
		user, kept.Attempt, countersign.Resume, kept.Session)
}

// EndAllPending ends the attempts of the whole agency, and the tokens that were
// not sent yet: two factor authentication was turned on or off (D-41).
func (tx *Tx) EndAllPending(ctx context.Context, now time.Time) error {
	if err := tx.endAttempts(ctx, now, `purpose <> ''`); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		UPDATE message SET state = $3, data = $4, done = $5 WHERE agency_id = $1 AND kind = $2 AND state IN ('waiting', 'sending')`,
		tx.agency, countersign.KindToken, countersign.Dropped, []byte{}, millis(now))
	return err
}

// endAttempts is the one place where attempts end by what was done elsewhere. Of
// each sign-in among them that waited for its second factor a warning stays:
// whoever waited there knew the password, and must not vanish unseen (NT-03).
func (tx *Tx) endAttempts(ctx context.Context, now time.Time, which string, args ...any) error {
	ended, err := list(ctx, tx.sql, tx.scanEnded,
		`DELETE FROM attempt WHERE agency_id = $1 AND `+which+` RETURNING `+attemptColumns, append([]any{tx.agency}, args...)...)
	if err != nil {
		return err
	}
	for _, a := range ended {
		if !a.Half() {
			continue
		}
		if err := tx.AddWarning(ctx, a.Warning(secret.NewID(), now)); err != nil {
			return err
		}
	}
	return nil
}

// scanEnded is scanAttempt for what is gone already: one that does not open
// holds nobody up, and says nothing.
func (tx *Tx) scanEnded(scan func(...any) error) (countersign.Attempt, error) {
	a, err := tx.scanAttempt(scan)
	if countersign.CodeOf(err) == "secret.broken" {
		return countersign.Attempt{}, nil
	}
	return a, err
}
