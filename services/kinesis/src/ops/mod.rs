//! The operations, one file each (or one per noun while they are small).
