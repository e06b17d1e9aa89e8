package store

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/secret"
)

// An Except says which attempts EndAttempts leaves alone.
type Except struct {
	Attempt countersign.AttemptID // the attempt that continues; empty: none
	Session countersign.SessionID // the ended session whose pending request is kept; empty: none
	Why     string                // code of why the others end; empty: EndedByChange
}

// Why another event ended an attempt. They are also codes of the texts that the attempt's page
// shows.
const (
	EndedElsewhere = "attempt.elsewhere" // the user signed in, or set up, in another browser
	EndedByChange  = "attempt.changed"   // a method, the password or a preference was changed
	EndedCrowded   = "attempt.crowded"   // the user had too many attempts at once (TH-07)
)

// EndAttempts ends all attempts of a user but those in kept.
func (tx *Tx) EndAttempts(ctx context.Context, user countersign.UserID, kept Except, now time.Time) error {
	why := kept.Why
	if why == "" {
		why = EndedByChange
	}
	return tx.endAttempts(ctx, now, why, `user_id = $2 AND id <> $3 AND NOT (purpose = $4 AND session_id = $5)`,
		user, kept.Attempt, countersign.PurposeResume, kept.Session)
}

// EndAllPending ends all attempts of the agency and drops its unsent tokens. Call it when
// two-factor authentication is turned on or off.
func (tx *Tx) EndAllPending(ctx context.Context, now time.Time) error {
	if err := tx.endAttempts(ctx, now, EndedByChange, `purpose <> ''`); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		UPDATE message SET state = $3, data = $4, done = $5 WHERE agency_id = $1 AND kind = $2 AND state IN ('waiting', 'sending')`,
		tx.agency, countersign.MessageToken, countersign.StateDropped, []byte{}, millis(now))
	return err
}

// endAttempts is the only place where another event ends attempts. For each sign-in among them
// that awaited its second factor it leaves a warning, as countersign.Attempt.Warns decides:
// someone entered the correct password, and the user must see that (NT-03). why is saved for
// the page that shows the attempt.
func (tx *Tx) endAttempts(ctx context.Context, now time.Time, why, which string, args ...any) error {
	ended, err := list(ctx, tx.sql, tx.scanEnded,
		`DELETE FROM attempt WHERE agency_id = $1 AND `+which+` RETURNING `+attemptColumns, append([]any{tx.agency}, args...)...)
	if err != nil {
		return err
	}
	for _, a := range ended {
		if a.ID == "" {
			continue
		}
		if err := tx.KeepEnding(ctx, a, why); err != nil {
			return err
		}
		warn := a.Warns(countersign.Ended)
		if warn == countersign.WarnNever {
			continue
		}
		if err := tx.AddWarning(ctx, a.Warning(secret.NewID(), now, warn), a.Warned); err != nil {
			return err
		}
	}
	return nil
}

// KeepEnding saves why an attempt ended, for its page, until the attempt would have expired.
func (tx *Tx) KeepEnding(ctx context.Context, a countersign.Attempt, why string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO attempt_ended (agency_id, id, why, expires) VALUES ($1, $2, $3, $4) ON CONFLICT (agency_id, id) DO NOTHING`,
		tx.agency, a.ID, why, millis(a.Expires))
	return err
}

// noAttempt returns the error for a missing attempt: why another event ended it, or that it is
// unknown.
func (tx *Tx) noAttempt(ctx context.Context, id countersign.AttemptID) error {
	var why string
	err := tx.sql.QueryRowContext(ctx, `SELECT why FROM attempt_ended WHERE agency_id = $1 AND id = $2`, tx.agency, id).Scan(&why)
	if err != nil {
		return notFound(err, "attempt.expired")
	}
	return &countersign.Error{Kind: countersign.KindGone, Code: why}
}

// PruneEndings removes the endings of attempts, of all agencies, that would have expired
// before the given time.
func (db *DB) PruneEndings(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM attempt_ended WHERE expires < $1`, millis(before))
	return err
}

// scanEnded scans a deleted attempt. It skips one that can't be decrypted, so that the attempt
// neither blocks the others nor warns.
func (tx *Tx) scanEnded(scan func(...any) error) (countersign.Attempt, error) {
	a, err := tx.scanAttempt(scan)
	if countersign.CodeOf(err) == "secret.broken" {
		return countersign.Attempt{}, nil
	}
	return a, err
}
