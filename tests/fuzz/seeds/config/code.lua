local function f(a) if a then return { b = 1 } end end
return { [ [==[x]]]==] ] = f { 1 }; --[[ } ]] "\z
 y", '\'', a == 1, c = function() do end end, 0x1p-3 };