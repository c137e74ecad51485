package dtlsrec

import "strconv"

// Alert is what a peer says about the session itself (RFC 5246 section 7.2).
type Alert struct {
	Level       AlertLevel
	Description AlertDescription
}

// AlertLevel is 1 or 2; a peer may send others, which count as fatal.
type AlertLevel uint8

const (
	Warning AlertLevel = 1
	Fatal   AlertLevel = 2
)

// AlertDescription is the reason (RFC 5246 section 7.2.2 and its registry).
type AlertDescription uint8

// Those that LwM2M clients send or are sent.
const (
	CloseNotify        AlertDescription = 0
	UnexpectedMessage  AlertDescription = 10
	BadRecordMAC       AlertDescription = 20
	RecordOverflow     AlertDescription = 22
	HandshakeFailure   AlertDescription = 40
	IllegalParameter   AlertDescription = 47
	AccessDenied       AlertDescription = 49
	DecodeError        AlertDescription = 50
	DecryptError       AlertDescription = 51
	ProtocolVersion    AlertDescription = 70
	InternalError      AlertDescription = 80
	UserCanceled       AlertDescription = 90
	NoRenegotiation    AlertDescription = 100
	UnknownPSKIdentity AlertDescription = 115
)

var alertNames = map[AlertDescription]string{
	CloseNotify: "close_notify", UnexpectedMessage: "unexpected_message", BadRecordMAC: "bad_record_mac",
	RecordOverflow: "record_overflow", HandshakeFailure: "handshake_failure", IllegalParameter: "illegal_parameter",
	AccessDenied: "access_denied", DecodeError: "decode_error", DecryptError: "decrypt_error",
	ProtocolVersion: "protocol_version", InternalError: "internal_error", UserCanceled: "user_canceled",
	NoRenegotiation: "no_renegotiation", UnknownPSKIdentity: "unknown_psk_identity",
}

func (d AlertDescription) String() string {
	if name, ok := alertNames[d]; ok {
		return name
	}
	return "alert " + strconv.Itoa(int(d))
}

// Ends reports that the session is over: close_notify, and all but warnings.
func (a Alert) Ends() bool { return a.Level != Warning || a.Description == CloseNotify }

// ParseAlert reads the plaintext of an alert record: one alert, two bytes.
func ParseAlert(b []byte) (Alert, error) {
	if len(b) != 2 {
		return Alert{}, ErrMalformed
	}
	return Alert{AlertLevel(b[0]), AlertDescription(b[1])}, nil
}

// Append appends what ParseAlert reads.
func (a Alert) Append(dst []byte) []byte { return append(dst, byte(a.Level), byte(a.Description)) }
