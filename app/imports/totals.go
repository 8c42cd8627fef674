package imports

import (
	"bestow/app/obstacle"
	"bestow/domain"
)

// judgeTotals refuses an upload with which the event, with what was imported before, passes a limit of its type.
func (im *importing) judgeTotals() error {
	over := im.event.Type.CheckTotals(im.event.TotalCount+im.load.accepted, im.event.TotalAmount+im.load.amount)
	if over == nil {
		return nil
	}
	return obstacle.OverLimit(domain.TotalOverLimit, im.event.Type, over, "with this list the event")
}
