package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"countersign"
)

// PutEnrollmentCode saves the digest of a user's enrollment code and removes the earlier one.
func (tx *Tx) PutEnrollmentCode(ctx context.Context, c countersign.EnrollmentCode) error {
	if err := tx.DropEnrollmentCode(ctx, c.User); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `
		INSERT INTO enrolment_code (agency_id, user_id, digest, made, made_by, expires, tries, used) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)`,
		tx.agency, c.User, c.Digest, millis(c.Made), c.MadeBy, millis(c.Expires))
	return err
}

// DropEnrollmentCode removes the enrollment code of a user, if there is one.
func (tx *Tx) DropEnrollmentCode(ctx context.Context, user countersign.UserID) error {
	_, err := tx.exec(ctx, `DELETE FROM enrolment_code WHERE agency_id = $1 AND user_id = $2`, tx.agency, user)
	return err
}

// EnrollmentCode returns the user's newest code, valid or not; the zero value if there is
// none.
func (tx *Tx) EnrollmentCode(ctx context.Context, user countersign.UserID) (countersign.EnrollmentCode, error) {
	c := countersign.EnrollmentCode{User: user}
	var made, expires, used int64
	err := tx.sql.QueryRowContext(ctx, `
		SELECT digest, made, made_by, expires, tries, used FROM enrolment_code WHERE agency_id = $1 AND user_id = $2`, tx.agency, user).
		Scan(&c.Digest, &made, &c.MadeBy, &expires, &c.Tries, &used)
	if errors.Is(err, sql.ErrNoRows) {
		return countersign.EnrollmentCode{}, nil
	}
	c.Made, c.Expires, c.Used = instant(made), instant(expires), instant(used)
	return c, err
}

// ReserveEnrollmentTry counts one try at the user's code before it is compared. It reports
// false if no code is valid or no try is left.
func (tx *Tx) ReserveEnrollmentTry(ctx context.Context, user countersign.UserID, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		UPDATE enrolment_code SET tries = tries + 1 WHERE agency_id = $1 AND user_id = $2 AND used = 0 AND expires > $3 AND tries < $4`,
		tx.agency, user, millis(now), countersign.MaxEnrollmentTries)
	return n == 1, err
}

// ReturnEnrolmentTry gives back the try of a code that was not compared.
func (tx *Tx) ReturnEnrolmentTry(ctx context.Context, c countersign.EnrollmentCode) error {
	_, err := tx.exec(ctx, `UPDATE enrolment_code SET tries = tries - 1 WHERE agency_id = $1 AND user_id = $2 AND digest = $3 AND tries > 0`,
		tx.agency, c.User, c.Digest)
	return err
}

// UseEnrollmentCode uses up the user's code. It reports false if the digest is another one or
// the code is no longer valid. The try must be reserved already.
func (tx *Tx) UseEnrollmentCode(ctx context.Context, user countersign.UserID, digest string, now time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		UPDATE enrolment_code SET used = $4 WHERE agency_id = $1 AND user_id = $2 AND digest = $3 AND used = 0 AND expires > $4 AND tries <= $5`,
		tx.agency, user, digest, millis(now), countersign.MaxEnrollmentTries)
	return n == 1, err
}

// LockAdministration locks the agency row until the transaction ends, so that two
// administrators can't remove each other as the last one at the same time (RS-07).
func (tx *Tx) LockAdministration(ctx context.Context) error {
	_, err := tx.exec(ctx, `UPDATE agency SET name = name WHERE id = $1`, tx.agency)
	return err
}
