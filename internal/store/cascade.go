package store

import (
	"context"
	"time"

	"countersign"
	"countersign/internal/secret"
)

// A Except is what EndAttempts leaves alone.
type Except struct {
	Attempt countersign.AttemptID // the one that goes on; empty: none does
	Session countersign.SessionID // what was posted after this session had ended, and waits for its user; empty: nothing
	Why     string                // code of why the others end; empty: EndedByChange
}

// Why an attempt was ended by something else; also the codes of what its page says.
const (
	EndedElsewhere = "attempt.elsewhere" // its user signed in, or set up, in another browser
	EndedByChange  = "attempt.changed"   // a method, the password or a preference was changed
	EndedCrowded   = "attempt.crowded"   // its user had too many under way (TH-07)
)

// EndAttempts ends all attempts of a user but what is kept (D-41).
func (tx *Tx) EndAttempts(ctx context.Context, user countersign.UserID, kept Except, now time.Time) error {
	why := kept.Why
	if why == "" {
		why = EndedByChange
	}
	return tx.endAttempts(ctx, now, why, `user_id = $2 AND id <> $3 AND NOT (purpose = $4 AND session_id = $5)`,
		user, kept.Attempt, countersign.PurposeResume, kept.Session)
}

// EndAllPending ends the attempts of the whole agency, and the tokens that were
// not sent yet: two factor authentication was turned on or off (D-41).
func (tx *Tx) EndAllPending(ctx context.Context, now time.Time) error {
	if err := tx.endAttempts(ctx, now, EndedByChange, `purpose <> ''`); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		UPDATE message SET state = $3, data = $4, done = $5 WHERE agency_id = $1 AND kind = $2 AND state IN ('waiting', 'sending')`,
		tx.agency, countersign.MessageToken, countersign.StateDropped, []byte{}, millis(now))
	return err
}

// endAttempts is the one place where attempts end by what was done elsewhere. Of
// each sign-in among them that waited for its second factor a warning stays, as
// countersign.Attempt.Warns says: whoever waited there knew the password, and must
// not vanish unseen (NT-03). why is kept for the page that it was open on.
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

// KeepEnding keeps why an attempt was ended, for its page, for as long as it might have lasted.
func (tx *Tx) KeepEnding(ctx context.Context, a countersign.Attempt, why string) error {
	_, err := tx.exec(ctx, `
		INSERT INTO attempt_ended (agency_id, id, why, expires) VALUES ($1, $2, $3, $4) ON CONFLICT (agency_id, id) DO NOTHING`,
		tx.agency, a.ID, why, millis(a.Expires))
	return err
}

// noAttempt says why there is no attempt with this ID: it was ended by something
// else, or nothing is known of it.
func (tx *Tx) noAttempt(ctx context.Context, id countersign.AttemptID) error {
	var why string
	err := tx.sql.QueryRowContext(ctx, `SELECT why FROM attempt_ended WHERE agency_id = $1 AND id = $2`, tx.agency, id).Scan(&why)
	if err != nil {
		return notFound(err, "attempt.expired")
	}
	return &countersign.Error{Kind: countersign.KindGone, Code: why}
}

// PruneEndings removes why attempts were ended that would have expired before
// then, of all agencies.
func (db *DB) PruneEndings(ctx context.Context, before time.Time) error {
	_, err := db.execInAllAgencies(ctx, `DELETE FROM attempt_ended WHERE expires < $1`, millis(before))
	return err
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
