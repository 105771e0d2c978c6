module buildkit-controller.invalid/dev/control-plane/pause

go 1.26.0
