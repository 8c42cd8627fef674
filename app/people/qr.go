package people

import (
	"bytes"
	"fmt"
	"image/png"

	"github.com/pquerna/otp"
)

// qrSize is the number of pixels of a QR code's side.
const qrSize = 240

// QR returns the URI of an enrolment as the PNG of a QR code. Error: of a URI that is none of an enrolment.
func QR(uri string) ([]byte, error) {
	key, err := otp.NewKeyFromURL(uri)
	if err != nil {
		return nil, fmt.Errorf("read uri: %w", err)
	}
	image, err := key.Image(qrSize, qrSize)
	if err != nil {
		return nil, fmt.Errorf("draw QR code: %w", err)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, image); err != nil {
		return nil, fmt.Errorf("draw QR code: %w", err)
	}
	return b.Bytes(), nil
}
