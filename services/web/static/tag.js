// The tag was just read: send the tap without another touch. Without scripts the button does it.
document.getElementById("tag-form").requestSubmit();
