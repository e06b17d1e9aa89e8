package edge

import (
	"net/http"

	"countersign"
)

// Status returns the HTTP status for an error of this kind.
func Status(kind countersign.ErrorKind) int {
	switch kind {
	case countersign.KindInvalid:
		return http.StatusUnprocessableEntity
	case countersign.KindDenied, countersign.KindStepUpRequired:
		return http.StatusForbidden
	case countersign.SignedOut:
		return http.StatusUnauthorized
	case countersign.KindNotFound:
		return http.StatusNotFound
	case countersign.KindConflict:
		return http.StatusConflict
	case countersign.KindTooMany:
		return http.StatusTooManyRequests
	case countersign.KindGone:
		return http.StatusGone
	case countersign.KindUnavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}
