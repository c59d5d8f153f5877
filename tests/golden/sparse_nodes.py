# ruff: noqa: E501
"""Expressions over the ops on sparse tensors, recorded under TF 1.15.

python tests/golden/sparse_nodes.py
"""

from expressions import write

SP = "tf.SparseTensor([[0,1],[0,3],[2,0]],[1.,2,3],[3,4])"
SP2 = "tf.SparseTensor([[0,1],[1,2],[2,0]],[5.,-2,1],[3,4])"
SI = "tf.SparseTensor([[0,1],[0,3],[2,0]],np.int64([1,2,0]),[3,4])"
S3 = "tf.SparseTensor([[0,1,1],[0,2,0],[2,0,1]],[1.,2,3],[3,4,2])"
ST = "tf.SparseTensor([[0,0],[0,1],[2,0]],['a','b','c'],[3,2])"
ST2 = "tf.SparseTensor([[0,0],[1,0],[2,0],[2,1]],['x','y','z','a'],[3,2])"
SD = "tf.SparseTensor([[2,0],[0,3],[0,1]],[3.,2,1],[3,4])"
SIP = "tf.SparseTensor([[0,1],[0,3],[2,0]],np.int64([1,2,0]),ph(np.int64([3,4])))"
SG = "tf.SparseTensor([[0,1],[0,3],[2,0]],a,[3,4])"
SG2 = "tf.SparseTensor([[0,1],[1,2],[2,0]],b,[3,4])"

EXPRESSIONS = r"""
tf.sparse_reshape(@SP@,[2,6])
tf.sparse_reshape(@SP@,[2,-1])
tf.sparse_reshape(@SP@,[-1])
tf.sparse_reshape(@S3@,[4,-1,3],name="r")
tf.sparse_reshape(@SP@,[5,5])
tf.sparse_reshape(@SP@,[5,-1])
tf.sparse_reshape(@SP@,[-1,-1])
tf.sparse.reshape(@SP@,tf.placeholder_with_default(np.int64([12]),[None]))
tf.sparse_reorder(@SD@)
tf.sparse.reorder(@SD@,name="o")
tf.sparse_fill_empty_rows(@SP@,-1.)
tf.sparse_fill_empty_rows(@SP2@,-1.)
tf.sparse.fill_empty_rows(@ST@,"")
tf.sparse_fill_empty_rows(@SP@,[1.])
tf.sparse_tensor_dense_matmul(@SP@,v(4,2))
tf.sparse_tensor_dense_matmul(@SP@,v(2,4),adjoint_b=True)
tf.sparse_tensor_dense_matmul(@SP@,v(3,2),adjoint_a=True)
tf.sparse_tensor_dense_matmul(@SP@,v(2,3),adjoint_a=True,adjoint_b=True,name="m")
tf.sparse_tensor_dense_matmul(@SP@,v(3,2))
tf.sparse_tensor_dense_matmul(tf.SparseTensor([[0,9]],[1.],[3,4]),v(4,2))
tf.sparse.matmul(@SP@,tf.placeholder_with_default(v(4,2),[None,None]))
tf.sparse_concat(1,[@SP@,@SP2@])
tf.sparse_concat(0,[@SP@,@SD@])
tf.sparse_concat(-1,[@SP@,@SP2@],name="c")
tf.sparse_concat(1,[@SP@])
tf.sparse_concat(0,[@SP@,tf.SparseTensor([[1,1]],[1.],[2,2])])
tf.sparse_concat(0,[@SP@,tf.SparseTensor([[1,1]],[1.],[2,2])],expand_nonconcat_dim=True)
tf.sparse_concat(concat_dim=0,sp_inputs=[@ST@,@ST2@],axis=None)
tf.sparse_slice(@SP@,[0,1],[2,3])
tf.sparse.slice(@SP@,[0,1],[9,9])
tf.sparse_slice(@S3@,[0,1,0],[3,2,2],name="s")
tf.sparse_split(sp_input=@SP@,num_split=2,axis=1)[0]
tf.sparse_split(sp_input=@SP@,num_split=2,axis=1)[1]
tf.sparse_split(sp_input=@SP@,num_split=2,axis=0)[1]
tf.sparse_split(sp_input=@SP@,num_split=3,axis=1)[2]
tf.sparse_split(@SP@,2,1)
tf.sparse_split(sp_input=@SP@,num_split=7,axis=1)[2]
tf.sparse_reduce_sum(@SP@)
tf.sparse_reduce_sum(@SP@,1)
tf.sparse_reduce_sum(@SP@,[0],keepdims=True)
tf.sparse_reduce_sum(@S3@,[-1,0])
tf.sparse_reduce_sum(@SP@,2)
tf.sparse_reduce_sum(@SP@,reduction_axes=1,keep_dims=True)
tf.sparse_reduce_max(@SP@)
tf.sparse_reduce_max(@SP@,1)
tf.sparse.reduce_max(@SP2@,0,keepdims=True)
tf.sparse_reduce_sum_sparse(@SP@,1)
tf.sparse_reduce_sum_sparse(@S3@,[0,2],keepdims=True)
tf.sparse_reduce_max_sparse(@SP@,0)
tf.sparse_reduce_max_sparse(@S3@)
@SP@ * v(3,4)
@SP@ * v(4)
@SP@ * 3.
@SP@ / v(3,1)
@SP@ / 2.
@SI@ / 2
tf.SparseTensor([[0,0]],[6],[1,2]) / 4
v(3,4) * @SP@
v(3,4) / @SP@
-@SP@
@SP@ * v(5)
@SP@ + v(3,4)
tf.sparse_add(@SP@,@SP2@)
tf.sparse_add(@SP@,@SP2@,0.5)
tf.sparse_add(@SP@,@SP2@,thresh=2.5)
tf.sparse_add(@SP@,v(3,4))
tf.sparse_add(v(3,4),@SP@)
tf.sparse_add(v(3,4),v(3,4))
tf.sparse_add(@SP@,tf.SparseTensor([[0,0]],[1.],[2,2]))
tf.sparse.add(@SI@,@SI@)
tf.sparse_softmax(@SP@)
tf.sparse_softmax(@S3@)
tf.sparse.softmax(tf.SparseTensor([[0]],[1.],[2]))
tf.sparse_maximum(@SP@,@SP2@)
tf.sparse_minimum(@SP@,@SP2@)
tf.sparse_maximum(@SP@,tf.SparseTensor([[0,0]],[1.],[2,2]))
tf.sparse_matmul(v(2,3),v(3,2))
tf.sparse_matmul(v(2,3),v(2,3),transpose_b=True,a_is_sparse=True)
tf.sparse_matmul(v(3,2),v(3,2),transpose_a=True)
tf.sparse_matmul(v(2,3),v(2,3))
tf.sparse.cross_hashed([@ST@,@ST2@],num_buckets=100)
tf.sparse.cross_hashed([@ST@,@SI@])
tf.sparse.cross_hashed([@ST@,[["p"],["q"],["r"]]],num_buckets=1000,hash_key=7)
tf.sparse.cross([@ST@,@ST2@])
tf.sparse.cross([@ST@,@SI@,np.int64([[1],[2],[3]])])
tf.sparse.cross([[["a","b"],["c","d"]],[["e"],["f"]]])
tf.sparse.cross_hashed([@SI@,np.int64([[1],[2],[3]])],num_buckets=17)
tf.sparse.cross([@SI@])
tf.sparse_transpose(@SP@)
tf.sparse_transpose(@S3@,[1,2,0])
tf.sparse.transpose(@S3@,[2,0,1],name="t")
tf.sparse.expand_dims(@SP@,0)
tf.sparse.expand_dims(@SP@,1)
tf.sparse.expand_dims(@SP@,5)
tf.sparse.eye(3)
tf.sparse.eye(2,3,dtype=tf.int32)
tf.sparse.eye(3,2,name="e")
tf.sparse.from_dense([[0,1],[2,0]])
tf.sparse.from_dense([["","a"],["b",""]])
tf.sparse_retain(@SP@,[True,False,True])
tf.sparse_reset_shape(@SP@)
tf.sparse_reset_shape(@SP@,[4,5])
tf.sparse_reset_shape(@SP@,[2,5])
tf.sparse_reset_shape(@SP@,[2,5,6])
tf.sparse_to_indicator(@SI@,4)
tf.sparse_merge(@SI@,@SP@,5)
tf.sparse_merge(@SI@,@SP@,5,already_sorted=True,name="g")
tf.sparse_merge([@SI@,@SI@],@SP@,[5,4])
tf.sparse_mask(tf.IndexedSlices(tf.constant(v(3,2)),tf.constant([4,5,7]),tf.constant([9,2])),[5]).values
tf.sparse.placeholder(tf.float32)
tf.sparse.placeholder(tf.float32,[3,4])
tf.sparse.placeholder(tf.float32,[3,None],name="p")
tf.sparse_tensor_to_dense(@SP@,9.)
tf.sets.set_size(@SI@)
tf.sets.set_intersection([[1,2,3],[4,5,6]],[[3,1,9],[7,8,9]])
tf.sets.set_union([[1,2,2],[4,5,6]],[[3,1,9],[7,8,9]])
tf.sets.set_difference([[1,2,3],[4,5,6]],[[3,1,9],[7,8,9]])
tf.sets.set_difference([[1,2,3],[4,5,6]],[[3,1,9],[7,8,9]],aminusb=False)
tf.sets.union(@ST@,@ST2@)
tf.sets.intersection(@ST@,@ST2@)
tf.sets.difference(@ST@,@ST2@,validate_indices=False)
tf.sets.intersection([["a","b"],["x","y"],["z","q"]],@ST2@)
tf.sets.difference(@ST2@,[["a","b"],["x","y"],["z","q"]])
tf.sets.difference(@ST2@,[["a","b"],["x","y"],["z","q"]],aminusb=False)
tf.sets.union([[1,2]],[[1.,2]])
tf.sets.union(tf.SparseTensor([[1,0],[0,0]],np.int64([1,2]),[2,2]),@SI@)
tf.sets.size([[1]])
tf.deserialize_many_sparse(tf.stack([tf.serialize_sparse(@SP@),tf.serialize_sparse(@SP2@)]),tf.float32)
tf.deserialize_many_sparse(tf.serialize_many_sparse(@SP@),tf.float32,rank=1)
tf.deserialize_many_sparse([["a","b","c"]],tf.float32)
tf.serialize_sparse(1)
tf.serialize_many_sparse(@ST@)
tf.string_to_hash_bucket_strong(["a","hello","","12345678"],1000,[1,2])
tf.string_to_hash_bucket_strong(["a longer string than that", "x" * 40],1000000007,[12345678901,98765432109])
tf.string_to_hash_bucket_strong(["a"],1000,[1])
tf.nn.safe_embedding_lookup_sparse(v(4,2),@SIP@)
tf.nn.safe_embedding_lookup_sparse(v(4,2),@SIP@,@SP@,combiner="sqrtn",default_id=3)
tf.nn.safe_embedding_lookup_sparse(v(4,2),tf.SparseTensor([[0,0],[1,0],[1,1]],np.int64([-1,2,3]),ph(np.int64([3,2]))),combiner="sum",max_norm=1.)
tf.nn.safe_embedding_lookup_sparse(v(4,2),tf.SparseTensor([[0,0,0],[1,0,1],[1,1,0]],np.int64([-1,2,3]),ph(np.int64([3,2,2]))))
tf.nn.safe_embedding_lookup_sparse(None,@SI@)
tf.nn.embedding_lookup_sparse(v(4,2),@SI@,@SP@,combiner="sum")
grad(lambda a: tf.sparse_reduce_sum(@SG@,1), v(3)+1)
grad(lambda a: tf.sparse_reduce_sum(@SG@), v(3)+1)
grad(lambda a: tf.sparse_reorder(tf.SparseTensor([[2,0],[0,3],[0,1]],a,[3,4])).values, v(3)+1)
grad(lambda a: tf.sparse_fill_empty_rows(@SG@,2.)[0].values, v(3)+1)
grad(lambda a,b: tf.sparse_fill_empty_rows(@SG@,b)[0].values, v(3)+1, np.float32(3))
grad(lambda a,b: tf.sparse_tensor_dense_matmul(@SG@,b), v(3)+1, v(4,2))
grad(lambda a,b: tf.sparse_tensor_dense_matmul(@SG@,b,adjoint_b=True), v(3)+1, v(2,4))
grad(lambda a,b: tf.sparse_tensor_dense_matmul(@SG@,b,adjoint_a=True), v(3)+1, v(3,2))
grad(lambda a,b: tf.sparse_tensor_dense_matmul(@SG@,b,adjoint_a=True,adjoint_b=True), v(3)+1, v(2,3))
grad(lambda a,b: tf.sparse_concat(1,[@SG@,@SG2@]).values, v(3)+1, v(3)+5)
grad(lambda a,b: tf.sparse_add(@SG@,@SG2@).values, v(3)+1, v(3)+5)
grad(lambda a: tf.sparse_slice(@SG@,[0,1],[2,3]).values, v(3)+1)
grad(lambda a,b: (@SG@ * b).values, v(3)+1, v(3,4)+1)
grad(lambda a: (@SG@ / (v(3,4)+1)).values, v(3)+1)
grad(lambda a: tf.sparse_softmax(@SG@).values, v(3)+1)
grad(lambda a,b: tf.sparse_matmul(a,b), v(2,3), v(3,2))
grad(lambda a,b: tf.sparse_matmul(a,b,transpose_a=True,transpose_b=True), v(3,2), v(4,3))
grad(lambda a: tf.nn.safe_embedding_lookup_sparse(a,@SI@), v(4,2))
"""
for _name in ("SIP", "SP2", "SP", "SI", "S3", "ST2", "ST", "SD", "SG2", "SG"):
    EXPRESSIONS = EXPRESSIONS.replace("@" + _name + "@", globals()[_name])

if __name__ == "__main__":
    write(EXPRESSIONS)
