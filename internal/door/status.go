package door

import (
	"net/http"

	"countersign"
)

// Status is the status of an answer to an error of this kind.
func Status(kind countersign.ErrorKind) int {
	switch kind {
	case countersign.Invalid:
		return http.StatusUnprocessableEntity
	case countersign.Denied, countersign.Stale:
		return http.StatusForbidden
	case countersign.SignedOut:
		return http.StatusUnauthorized
	case countersign.NotFound:
		return http.StatusNotFound
	case countersign.Exists:
		return http.StatusConflict
	case countersign.TooMany:
		return http.StatusTooManyRequests
	case countersign.Expired:
		return http.StatusGone
	case countersign.Busy:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
