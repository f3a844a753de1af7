def check_image(bare, packages, source):
    pass
