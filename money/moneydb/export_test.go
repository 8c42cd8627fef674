package moneydb

// DefaultZone is the time zone of a ledger that is given none.
func DefaultZone() (string, error) {
	c := Config{}
	err := c.defaults()
	return c.Location.String(), err
}
