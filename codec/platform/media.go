package platform

import "strings"

// mediaPrefix and mediaSuffix surround the name of a media type of the platform.
const (
	mediaPrefix = "application/vnd.com.nsn.cumulocity."
	mediaSuffix = "+json"
)

// Names of media types. The platform's clients write some of them with capitals
// inside, which mean nothing.
const (
	MediaPlatform      = "platformapi"
	MediaObject        = "managedobject"
	MediaObjects       = "managedobjectcollection"
	MediaReference     = "managedobjectreference"
	MediaReferences    = "managedobjectreferencecollection"
	MediaExternalID    = "externalid"
	MediaExternalIDs   = "externalidcollection"
	MediaUser          = "user"
	MediaCurrentUser   = "currentuser"
	MediaUsers         = "usercollection"
	MediaTenant        = "tenant"
	MediaCurrentTenant = "currenttenant"
	MediaTenants       = "tenantcollection"
	MediaAuditRecord   = "auditrecord"
	MediaAuditRecords  = "auditrecordcollection"
	MediaError         = "error"
)

// MediaType is the media type of that name, without parameters.
func MediaType(name string) string { return mediaPrefix + name + mediaSuffix }

// MediaName is the name in a media type without parameters, in small letters; ok
// is false for one that is not the platform's.
func MediaName(kind string) (name string, ok bool) {
	name, ours := strings.CutPrefix(strings.ToLower(kind), mediaPrefix)
	name, json := strings.CutSuffix(name, mediaSuffix)
	if !ours || !json || name == "" {
		return "", false
	}
	return name, true
}
