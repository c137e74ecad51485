package content

import (
	"fmt"

	"dormouse/codec/lwm2m"
	"dormouse/codec/senml"
)

// DecodePaths reads the paths of a composite request (FETCH). Only the SenML
// formats carry them.
func DecodePaths(f lwm2m.Format, payload []byte, o Options) (paths []lwm2m.Path, err error) {
	switch f {
	case lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLEtchJSON:
		paths, err = senml.DecodePathsJSON(payload, o.Root)
	case lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLEtchCBOR:
		paths, err = senml.DecodePathsCBOR(payload, o.Root)
	default:
		return nil, fmt.Errorf("%w: paths as %s", ErrFormat, f)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPayload, err)
	}
	return paths, nil
}

// AppendPaths writes the paths of a composite request, at least one.
func AppendPaths(dst []byte, f lwm2m.Format, paths []lwm2m.Path, o Options) (out []byte, err error) {
	switch f {
	case lwm2m.FormatSenMLJSON, lwm2m.FormatSenMLEtchJSON:
		out, err = senml.AppendPathsJSON(dst, paths, o.Root)
	case lwm2m.FormatSenMLCBOR, lwm2m.FormatSenMLEtchCBOR:
		out, err = senml.AppendPathsCBOR(dst, paths, o.Root)
	default:
		return dst, fmt.Errorf("%w: paths as %s", ErrFormat, f)
	}
	if err != nil {
		return dst, fmt.Errorf("%w: %w", ErrValue, err)
	}
	return out, nil
}
