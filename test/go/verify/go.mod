module buildkit-controller.invalid/test/go/verify

go 1.24
