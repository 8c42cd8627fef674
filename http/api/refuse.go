package api

import "bestow/domain"

// BadRequestError is for parameters or headers without a valid value, in the fields that are named.
func BadRequestError(message, hint string, fields ...domain.Field) *domain.Error {
	e := domain.NewError(BadRequest, message, hint)
	e.Fields = fields
	return e
}

// BadQueryError is for parameters of the query that cannot be used, each named.
func BadQueryError(fields ...domain.Field) *domain.Error {
	return BadRequestError("a query parameter cannot be used", "correct what is named", fields...)
}

// BadParameterError is for parameters that cannot be used, each named with where it stands.
func BadParameterError(fields ...domain.Field) *domain.Error {
	return BadRequestError("a parameter cannot be used", "correct what is named", fields...)
}

// MalformedError is for a body that is not the expected JSON; fields are those of it that do not belong there.
func MalformedError(message, hint string, fields ...domain.Field) *domain.Error {
	e := domain.NewError(Malformed, message, hint)
	e.Fields = fields
	return e
}

// MethodNotAllowedError is for a route that has other methods.
func MethodNotAllowedError(message, hint string) *domain.Error {
	return domain.NewError(MethodNotAllowed, message, hint)
}

// PreconditionFailedError is for an If-Match that names another state of the event.
func PreconditionFailedError(message, hint string) *domain.Error {
	return domain.NewError(PreconditionFailed, message, hint)
}

// PreconditionRequiredError is for a change without If-Match.
func PreconditionRequiredError(message, hint string) *domain.Error {
	return domain.NewError(PreconditionRequired, message, hint)
}

// UnknownProtocolError is for a request of another version of the tus protocol, or of none.
func UnknownProtocolError(message, hint string) *domain.Error {
	return domain.NewError(UnknownProtocol, message, hint)
}

// RequestTimeoutError is for a body that came too slowly.
func RequestTimeoutError(message, hint string) *domain.Error {
	return domain.NewError(RequestTimeout, message, hint)
}

// TooLargeError is for a body over the limit.
func TooLargeError(message, hint string) *domain.Error {
	return domain.NewError(TooLarge, message, hint)
}

// UnsupportedTypeError is for the Content-Type or the encoding of a body.
func UnsupportedTypeError(message, hint string) *domain.Error {
	return domain.NewError(UnsupportedType, message, hint)
}

// InternalError is for our own faults; the log says more.
func InternalError(message, hint string) *domain.Error {
	return domain.NewError(Internal, message, hint)
}
