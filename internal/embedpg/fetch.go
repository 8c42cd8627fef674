package embedpg

import "context"

const fetchedMajor = "18"

func fetched(ctx context.Context, a account, o Options) (binaries, error) {
	return binaries{}, ErrNoBinaries
}
