package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"countersign"
)

// A UserRow is one row of User Administration.
type UserRow struct {
	countersign.User
	State   string             // StateDone, …
	Default countersign.Method // empty: not set up
}

// The states of a user, to show and to filter by.
const (
	StateDone     = "done"     // a method is verified
	StateReset    = "reset"    // reset, set-up is open
	StateLapsed   = "lapsed"   // reset, set-up was not finished in time
	StateNot      = "not"      // never set up
	StateCannot   = "cannot"   // never set up, and without an email address
	StateDisabled = "disabled" // may not sign in at all
	StateBounced  = "bounced"  // filter only: not set up, and the last mail was refused
)

// A UserQuery selects and orders users.
type UserQuery struct {
	Text       string // part of a name, user ID or email
	State      string
	Method     string // "app", "sms"; "email": email only
	Right      countersign.Right
	Sort       string // "name", "login", "state", "default", "last"
	Descending bool
	After      string // cursor: the page that follows this row
	Before     string // cursor: the page that precedes this row
	Limit      int
	Now        time.Time
}

// A UserPage is one page of a list of users.
type UserPage struct {
	Rows     []UserRow
	Total    int // matching rows on all pages
	First    int // number of the first row of the page, from 1
	Next     string
	Previous string
}

// userList adds the columns that the list sorts and filters by.
const userList = `
	SELECT u.*,
		CASE
			WHEN u.disabled THEN 'disabled'
			WHEN u.enrolled THEN 'done'
			WHEN u.reset_until > $2 THEN 'reset'
			WHEN u.reset_until > 0 THEN 'lapsed'
			WHEN u.email = '' THEN 'cannot'
			ELSE 'not'
		END AS state
	FROM (
		SELECT users.*,
			EXISTS (SELECT 1 FROM factor f WHERE f.agency_id = users.agency_id AND f.user_id = users.id) AS enrolled,
			COALESCE((SELECT f.method FROM factor f WHERE f.agency_id = users.agency_id AND f.user_id = users.id
				ORDER BY f.is_default DESC, f.verified, f.id LIMIT 1), '') AS standard
		FROM users WHERE agency_id = $1
	) u`

// bounced selects a user u with an address whose last mail was refused.
const bounced = `(u.email <> '' AND COALESCE((SELECT m.state FROM message m
	WHERE m.agency_id = u.agency_id AND m.folded = u.email_folded AND m.channel = 'email' AND m.state IN ('sent', 'refused')
	ORDER BY m.created DESC, m.id DESC LIMIT 1), '') = 'refused')`

// userFilter filters userList by text, state, method and right.
const userFilter = `
	WHERE ($3 = '' OR u.search LIKE $3 ESCAPE '\')
	AND ($4 = '' OR u.state = $4 OR $4 = 'bounced' AND NOT u.enrolled AND NOT u.disabled AND ` + bounced + `)
	AND ($5 = ''
		OR $5 = 'email' AND u.standard <> '' AND NOT EXISTS (
			SELECT 1 FROM factor f WHERE f.agency_id = $1 AND f.user_id = u.id AND f.method <> 'email')
		OR $5 <> 'email' AND EXISTS (SELECT 1 FROM factor f WHERE f.agency_id = $1 AND f.user_id = u.id AND f.method = $5))
	AND ($6 = '' OR EXISTS (SELECT 1 FROM user_right r WHERE r.agency_id = $1 AND r.user_id = u.id AND r.name = $6))`

// sortKeys are the columns to order by, as text, so that one cursor format serves all of them.
// Both engines order them alike.
var sortKeys = map[string]string{
	"name":    `u.name_key COLLATE "C"`,
	"login":   `u.folded COLLATE "C"`,
	"state":   `u.state COLLATE "C"`,
	"default": `u.standard COLLATE "C"`,
	"last":    "SUBSTR('00000000000000' || CAST(u.last_sign_in AS TEXT), LENGTH(CAST(u.last_sign_in AS TEXT)) + 1, 14)",
}

// Users returns one page of the users that match.
func (tx *Tx) Users(ctx context.Context, q UserQuery) (UserPage, error) {
	var page UserPage
	key, ok := sortKeys[q.Sort]
	if !ok {
		key = sortKeys["name"]
	}
	filter := []any{tx.agency, millis(q.Now), likeText(q.Text), q.State, q.Method, string(q.Right)}
	from := `FROM (` + userList + `) u` + userFilter
	if err := tx.sql.QueryRowContext(ctx, `SELECT count(*) `+from, filter...).Scan(&page.Total); err != nil {
		return page, fmt.Errorf("count users: %w", err)
	}
	cursor, backward := q.After, false
	if q.Before != "" {
		cursor, backward = q.Before, true
	}
	operator, order := ">", "ASC"
	if q.Descending != backward {
		operator, order = "<", "DESC"
	}
	value, id := splitCursor(cursor)
	query := `SELECT u.id, u.login, u.name, u.email, u.mobile, u.disabled, u.reset_until, u.version, u.created, u.last_sign_in, u.enrolled, u.state, u.standard, ` + key + ` ` + from + `
		AND ($7 = '' OR (` + key + `, u.id) ` + operator + ` ($8, $7)) ORDER BY ` + key + ` ` + order + `, u.id ` + order + ` LIMIT $9`
	rows, err := list(ctx, tx.sql, scanUserRow, query, append(filter, id, value, q.Limit+1)...)
	if err != nil {
		return page, fmt.Errorf("list users: %w", err)
	}
	more := len(rows) > q.Limit
	rows = rows[:min(len(rows), q.Limit)]
	if backward {
		slices.Reverse(rows)
	}
	return tx.userPage(ctx, page, rows, more, backward, cursor != "", filter, from, key, q)
}

// userPage adds the rights of the rows, the number of the first row and the cursors.
func (tx *Tx) userPage(ctx context.Context, page UserPage, rows []keyedRow, more, backward, inside bool,
	filter []any, from, key string, q UserQuery) (UserPage, error) {
	for _, r := range rows {
		var err error
		r.Rights, err = tx.rights(ctx, r.ID)
		if err != nil {
			return page, err
		}
		page.Rows = append(page.Rows, r.UserRow)
	}
	if len(rows) == 0 {
		return page, nil
	}
	first, last := rows[0], rows[len(rows)-1]
	operator := "<"
	if q.Descending {
		operator = ">"
	}
	var before int
	err := tx.sql.QueryRowContext(ctx, `SELECT count(*) `+from+` AND (`+key+`, u.id) `+operator+` ($7, $8)`,
		append(filter, first.key, string(first.ID))...).Scan(&before)
	page.First = before + 1
	if before > 0 {
		page.Previous = joinCursor(first)
	}
	if more || backward && inside {
		page.Next = joinCursor(last)
	}
	return page, err
}

type keyedRow struct {
	UserRow
	key string
}

func scanUserRow(scan func(...any) error) (keyedRow, error) {
	var r keyedRow
	var until, created, last int64
	err := scan(&r.ID, &r.Login, &r.Name, &r.Email, &r.Mobile, &r.Disabled, &until, &r.Version, &created, &last, &r.Enrolled, &r.State, &r.Default, &r.key)
	r.ResetUntil, r.Created, r.LastSignIn = instant(until), instant(created), instant(last)
	return r, err
}

// Counts says whom a change of preferences affects, before it is saved.
type Counts struct {
	Users       int // enabled users
	NotSetUp    int // of these, without a verified method but with an address: asked to set up
	NoEmail     int // of these, without method and address: cannot be set up
	Bounced     int // of NotSetUp, those whose last mail was refused: can be set up once the address is corrected
	Enrolled    int // of these, with a verified method: asked for a token
	Sessions    int // live sessions
	Devices     int // remembered devices under the current frequency
	DevicesOver int // of these, no longer remembered under the new one
	UsersOver   int // users with such a device and no other left
}

// Count counts whom a change affects. A proof counts from since on under the current
// frequency, and from newSince on under the new one.
func (tx *Tx) Count(ctx context.Context, now, since, newSince, idleSince time.Time) (c Counts, err error) {
	const enrolled = `EXISTS (SELECT 1 FROM factor f WHERE f.agency_id = u.agency_id AND f.user_id = u.id)`
	err = tx.sql.QueryRowContext(ctx, `
		SELECT count(*),
			count(*) FILTER (WHERE NOT `+enrolled+` AND u.email <> ''),
			count(*) FILTER (WHERE NOT `+enrolled+` AND u.email = ''),
			count(*) FILTER (WHERE NOT `+enrolled+` AND `+bounced+`),
			count(*) FILTER (WHERE `+enrolled+`)
		FROM users u WHERE u.agency_id = $1 AND NOT u.disabled`, tx.agency).Scan(&c.Users, &c.NotSetUp, &c.NoEmail, &c.Bounced, &c.Enrolled)
	if err != nil {
		return c, fmt.Errorf("count users: %w", err)
	}
	err = tx.sql.QueryRowContext(ctx, `SELECT count(*) FROM session WHERE agency_id = $1 AND ended = 0 AND expires > $2 AND last_seen > $3`,
		tx.agency, millis(now), millis(idleSince)).Scan(&c.Sessions)
	if err != nil {
		return c, fmt.Errorf("count sessions: %w", err)
	}
	err = tx.sql.QueryRowContext(ctx, `
		SELECT COALESCE(SUM(d.devices), 0), COALESCE(SUM(d.over), 0), count(*) FILTER (WHERE d.over = d.devices)
		FROM (
			SELECT user_id, count(*) AS devices, count(*) FILTER (WHERE proved <= $3) AS over
			FROM device WHERE agency_id = $1 AND proved > $2 GROUP BY user_id
		) d`, tx.agency, millis(since), millis(newSince)).Scan(&c.Devices, &c.DevicesOver, &c.UsersOver)
	if err != nil {
		return c, fmt.Errorf("count devices: %w", err)
	}
	return c, nil
}
