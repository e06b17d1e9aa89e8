package store

import (
	"context"
	"time"

	"countersign"
)

// LockTexts locks the day's counts of text messages until the transaction ends, and returns
// how many were sent on that day by the agency and by all agencies.
func (tx *Tx) LockTexts(ctx context.Context, day int64) (agency, all int, err error) {
	err = tx.sql.QueryRowContext(ctx, `
		INSERT INTO text_total (day, sent) VALUES ($1, 0) ON CONFLICT (day) DO UPDATE SET sent = text_total.sent RETURNING sent`, day).Scan(&all)
	if err != nil {
		return 0, 0, err
	}
	err = tx.sql.QueryRowContext(ctx, `
		INSERT INTO text_day (agency_id, day, sent) VALUES ($1, $2, 0)
		ON CONFLICT (agency_id, day) DO UPDATE SET sent = text_day.sent RETURNING sent`, tx.agency, day).Scan(&agency)
	return agency, all, err
}

// CountText counts one more text message of that day.
func (tx *Tx) CountText(ctx context.Context, day int64) error {
	if _, err := tx.exec(ctx, `UPDATE text_total SET sent = sent + 1 WHERE day = $1`, day); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `UPDATE text_day SET sent = sent + 1 WHERE agency_id = $1 AND day = $2`, tx.agency, day)
	return err
}

// TextsOn returns how many text messages the agency has sent on that day.
func (tx *Tx) TextsOn(ctx context.Context, day int64) (n int, err error) {
	err = tx.sql.QueryRowContext(ctx, `SELECT COALESCE(SUM(sent), 0) FROM text_day WHERE agency_id = $1 AND day = $2`, tx.agency, day).Scan(&n)
	return n, err
}

// TextCounts counts the agency's recent text messages. A message is unsuccessful if its token
// was not accepted.
type TextCounts struct {
	NumberHour int // unsuccessful, to the number, in an hour
	NumberDay  int // unsuccessful, to the number, in a day
	Network    int // unsuccessful, requested from the network, in an hour
	Adjacent   int // other numbers that differ only in the last four digits, with expired, unsuccessful tokens
	Over       int // messages whose token has expired
	Used       int // of these, accepted
}

// CountTexts returns the counts that limit a text message to a number, requested from a
// network.
func (tx *Tx) CountTexts(ctx context.Context, number, network string, now time.Time) (c TextCounts, err error) {
	near := prefix(countersign.Message{Channel: countersign.ChannelSMS, To: number})
	err = tx.sql.QueryRowContext(ctx, `
		SELECT count(*) FILTER (WHERE recipient = $2 AND created > $6 AND NOT used),
			count(*) FILTER (WHERE recipient = $2 AND NOT used),
			count(*) FILTER (WHERE network = $3 AND network <> '' AND created > $6 AND NOT used),
			count(DISTINCT CASE WHEN prefix = $4 AND recipient <> $2 AND created > $6 AND expires <= $5 AND NOT used THEN recipient END),
			count(*) FILTER (WHERE created > $6 AND expires <= $5),
			count(*) FILTER (WHERE created > $6 AND expires <= $5 AND used)
		FROM message
		WHERE agency_id = $1 AND channel = 'sms' AND kind = 'token' AND state <> 'held' AND created > $7`,
		tx.agency, number, network, near, millis(now), millis(now.Add(-time.Hour)), millis(now.Add(-24*time.Hour))).
		Scan(&c.NumberHour, &c.NumberDay, &c.Network, &c.Adjacent, &c.Over, &c.Used)
	return c, err
}

// RaiseAlarm records an alarm and reports whether it was not raised since then.
func (tx *Tx) RaiseAlarm(ctx context.Context, what string, now, since time.Time) (bool, error) {
	n, err := tx.exec(ctx, `
		INSERT INTO text_alarm (agency_id, what, raised) VALUES ($1, $2, $3)
		ON CONFLICT (agency_id, what) DO UPDATE SET raised = excluded.raised WHERE text_alarm.raised <= $4`, tx.agency, what, millis(now), millis(since))
	return n > 0, err
}

// A TextAlarm is an alarm that was raised.
type TextAlarm struct {
	What     string
	RaisedAt time.Time
}

// TextAlarms returns the alarms raised since then, newest first.
func (tx *Tx) TextAlarms(ctx context.Context, since time.Time) ([]TextAlarm, error) {
	return list(ctx, tx.sql, func(scan func(...any) error) (TextAlarm, error) {
		var a TextAlarm
		var at int64
		err := scan(&a.What, &at)
		a.RaisedAt = instant(at)
		return a, err
	}, `SELECT what, raised FROM text_alarm WHERE agency_id = $1 AND raised > $2 ORDER BY raised DESC, what`, tx.agency, millis(since))
}

// HoldText saves a text message that a budget forbade, so that administrators can see it: at
// most one per minute and number.
func (tx *Tx) HoldText(ctx context.Context, m countersign.Message) error {
	var n int
	err := tx.sql.QueryRowContext(ctx, `SELECT count(*) FROM message WHERE agency_id = $1 AND recipient = $2 AND state = 'held' AND created > $3`,
		tx.agency, m.To, millis(m.Created.Add(-time.Minute))).Scan(&n)
	if err != nil || n > 0 {
		return err
	}
	return tx.insertMessage(ctx, m, []byte{})
}
