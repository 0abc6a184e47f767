module node-images/stand-in

go 1.26.0
