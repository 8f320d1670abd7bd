package record

// Blob is one upload of a pack to the bucket: key (Digest, Upload). Its object's
// name is made of both. It belongs to engine/deploy, as the definitions do.
type Blob struct {
	Digest     string // of the tree in it
	Upload     string // made for this upload
	State      BlobState
	Size       int64 // of the object
	LeaseUntil Time  // until then it is kept without a reason
}

// BlobState is how far a blob is on its way.
type BlobState string

// The states. There is no way back from a later one.
const (
	BlobUploading BlobState = "UPLOADING" // its object may be there, in part or not at all
	BlobPresent   BlobState = "PRESENT"   // its object is there
	BlobDoomed    BlobState = "DOOMED"    // its object is being deleted: nobody may come to rely on it
)

// Source is where the bytes of a deployed dependency are.
type Source struct {
	Digest string
	Form   string
	Object string // key in the bucket
}

// Dependency is what one version of a deployed dependency stands for: key
// (ProjectUID, UID, From), that of its Object.
type Dependency struct {
	ProjectUID string
	UID        string
	From       int64
	Digest     string // of its tree
	Form       string // spec.Form
}
